// SPDX-License-Identifier: MIT OR Apache-2.0
// RNNoise as an npm package has it, in WebAssembly. Standard input: frames of 480 floats; standard output: of each the 480
// floats that come out, and the probability of speech.
//   node rnnoise-module.mjs RNNOISE.wasm
import { readFileSync, writeSync } from "node:fs";

const SAMPLES = 480;
let heap;
const imports = {
  a: {
    a: () => 0, // no more memory than there is
    b: (to, from, bytes) => heap().copyWithin(to, from, from + bytes),
  },
};
const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const rnnoise = new WebAssembly.Instance(module, imports).exports;
const { c: memory, d: start, f: create, g: malloc, j: processFrame } = rnnoise;
heap = () => new Uint8Array(memory.buffer);
start();

const state = create(0);
const at = malloc(SAMPLES * 4);
const input = readFileSync(0);
const floats = new Float32Array(input.buffer, input.byteOffset, input.length / 4);
const output = new Float32Array((floats.length / SAMPLES) * (SAMPLES + 1));
for (let frame = 0; (frame + 1) * SAMPLES <= floats.length; frame++) {
  new Float32Array(memory.buffer, at, SAMPLES).set(
    floats.subarray(frame * SAMPLES, (frame + 1) * SAMPLES));
  const speech = processFrame(state, at, at);
  const to = frame * (SAMPLES + 1);
  output.set(new Float32Array(memory.buffer, at, SAMPLES), to);
  output[to + SAMPLES] = speech;
}
const bytes = Buffer.from(output.buffer);
for (let sent = 0; sent < bytes.length;) sent += writeSync(1, bytes, sent);
