#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Takes the trained weights of RNNoise 0.1 out of the WebAssembly that an npm package has them in.

weights.py WEIGHTS.c RNNOISE.wasm

Both files are made: the package comes by `npm ci`, which holds it to the hash in package-lock.json.
"""
import hashlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile

PACKAGED = "node_modules/@jitsi/rnnoise-wasm/dist/rnnoise.wasm"
SHA256 = "677147b9248aedc0a00de79dc090d1ecead37c08c8bb773a790da16109d2c487"
DATA_SECTION = 11
MODULE_HEADER = 8
MEMORY = 1 << 17
# The layers as the module has them in its memory: where (address of biases, of weights and, when recurrent, of the
# weights of the state, then inputs and units), and what these must be.
LAYERS = [
    (92352, False, 42, 24),
    (92372, True, 24, 24),
    (92396, True, 90, 48),
    (92420, True, 114, 96),
    (92444, False, 96, 22),
    (92464, False, 24, 1),
]
WEIGHTS = 87503


def download(wasm):
    here = os.path.dirname(os.path.abspath(__file__))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(os.path.join(here, name), folder)
        npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            subprocess.run(npm, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        except FileNotFoundError:
            sys.exit("weights.py: -Drnnoise=weights needs npm to fetch the weights; install it, or use -Drnnoise=off")
        except subprocess.CalledProcessError:
            sys.exit("weights.py: npm could not fetch @jitsi/rnnoise-wasm as package-lock.json has it")
        shutil.copy(os.path.join(folder, PACKAGED), wasm)


def number(data, at, signed=False):
    """LEB128: the value and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            break
    if signed and byte & 0x40:
        value -= 1 << shift
    return value, at


def memory_of(module):
    """What the module's memory has at its start."""
    memory = bytearray(MEMORY)
    at = MODULE_HEADER
    while at < len(module):
        section = module[at]
        size, at = number(module, at + 1)
        if section == DATA_SECTION:
            count, segment = number(module, at)
            for _ in range(count):
                segment += 2  # kind and opcode: a constant address
                address, segment = number(module, segment, signed=True)
                size_here, segment = number(module, segment + 1)
                memory[address:address + size_here] = module[segment:segment + size_here]
                segment += size_here
        at += size
    return bytes(memory)


def weights_of(memory):
    weights = []
    for at, recurrent, inputs, units in LAYERS:
        words = struct.unpack_from("<5I", memory, at)
        if list(words[2 + recurrent:4 + recurrent]) != [inputs, units]:
            sys.exit(f"weights.py: no layer of {inputs} inputs and {units} units at {at}")
        columns = 3 * units if recurrent else units
        parts = [(words[1], inputs * columns)]
        if recurrent:
            parts.append((words[2], units * columns))
        parts.append((words[0], columns))
        for address, count in parts:
            weights += struct.unpack_from(f"<{count}b", memory, address)
    if len(weights) != WEIGHTS:
        sys.exit(f"weights.py: {len(weights)} weights instead of {WEIGHTS}")
    return weights


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: weights.py WEIGHTS.c RNNOISE.wasm")
    source, wasm = sys.argv[1:]
    download(wasm)
    with open(wasm, "rb") as file:
        module = file.read()
    if hashlib.sha256(module).hexdigest() != SHA256:
        sys.exit("weights.py: the module in the npm package is another one than that of RNNoise 0.1")
    weights = weights_of(memory_of(module))
    with open(source, "w", encoding="ascii") as file:
        file.write("/* The weights of RNNoise 0.1, BSD-3-Clause: wzp/rnnoise/COPYING. */\n"
                   '#include "wzp/denoise-network.h"\n\n'
                   "const int8_t wzp_network_weights[WZP_NETWORK_WEIGHTS] = {\n")
        for at in range(0, len(weights), 24):
            file.write(",".join(map(str, weights[at:at + 24])) + ",\n")
        file.write("};\n")


main()
