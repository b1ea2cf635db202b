# SPDX-License-Identifier: MIT OR Apache-2.0
"""Repair, written from section 9 of docs/PROTOCOL.md and from RFC 6330; names in capitals are the RFC's.

With the code that it checks it shares the numbers of the RFC's tables, and nothing else."""

import re
from collections import namedtuple
from functools import lru_cache
from pathlib import Path

from wzp_wire import be, check, elements, number

TABLES = Path(__file__).resolve().parents[2] / "wzp" / "raptorq-tables.c"
FRAME_MS = {0: 20, 1: 20, 2: 20, 3: 40, 4: 40, 5: 20, 6: 20, 7: 40, 8: 40, 9: 40, 10: 40}  # of CCCC

Repair = namedtuple("Repair", "copies lengths window back code esi_step symbols")


# --- GF(256), RFC 6330, section 5.7


def times(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = a << 1 ^ (0x11D if a & 0x80 else 0), b >> 1
    return product


PRODUCTS = [bytes(times(a, b) for b in range(256)) for a in range(256)]
INVERSES = [0] + [PRODUCTS[a].index(1) for a in range(1, 256)]


def scale(row, factor):
    return row.translate(PRODUCTS[factor])


def add(a, b):
    return be(number(a) ^ number(b), len(a))


def weigh(row, symbols):
    total = bytes(len(symbols[0]))
    for factor, symbol in zip(row, symbols, strict=True):
        total = add(total, scale(symbol, factor))
    return total


def solve(equations, unknowns):
    """Each equation is unknowns coefficients, then the right side. What is determined, by unknown."""
    done = 0
    equations = list(equations)
    for column in range(unknowns):
        pivot = next((e for e in range(done, len(equations)) if equations[e][column]), None)
        if pivot is None:
            continue
        equations[done], equations[pivot] = equations[pivot], equations[done]
        row = equations[done] = scale(equations[done], INVERSES[equations[done][column]])
        for e, other in enumerate(equations):
            if e != done and other[column]:
                equations[e] = add(other, scale(row, other[column]))
        done += 1
    solved = {}
    for row in equations[:done]:
        where = [column for column in range(unknowns) if row[column]]
        if len(where) == 1:
            solved[where[0]] = row[unknowns:]
    return solved


# --- RFC 6330, section 5.3


def read_tables():
    text = re.sub(r"/\*.*?\*/", "", TABLES.read_text(), flags=re.S)
    braces = lambda name: text.split(name)[1].split("= {")[1].split("};")[0]
    numbers = lambda name: [int(n, 0) for n in re.findall(r"\b\w+\b", braces(name))]
    V, parameters = numbers("wzp_raptorq_random"), numbers("wzp_raptorq_parameters")
    V = [V[256 * i : 256 * i + 256] for i in range(4)]
    return V, numbers("wzp_raptorq_degrees"), [parameters[i : i + 5] for i in range(0, len(parameters), 5)]


V, F, PARAMETERS = read_tables()


def Rand(y, i, m):
    x = [V[n][(y // 256**n + i) % 256] for n in range(4)]
    return (x[0] ^ x[1] ^ x[2] ^ x[3]) % m


class Block:
    """A block of K source symbols, as the rows of coefficients of its encoding symbols."""

    def __init__(self, K):
        self.K = K
        self.Kx, self.J, self.S, self.H, self.W = next(p for p in PARAMETERS if p[0] >= K)
        self.L = self.Kx + self.S + self.H
        self.P, self.B = self.L - self.W, self.W - self.S
        self.P1 = next(n for n in range(self.P, 2 * self.P) if all(n % d for d in range(2, n)))
        zero = bytes(K)
        unit = lambda i: bytes(i == k for k in range(K))
        sides = [zero] * (self.S + self.H) + [unit(i) if i < K else zero for i in range(self.Kx)]
        solved = solve([bytes(row) + side for row, side in zip(self.matrix(), sides, strict=True)], self.L)
        self.C = [solved[i] for i in range(self.L)]

    def matrix(self):
        A = [[0] * self.L for _ in range(self.L)]
        for i in range(self.B):
            a, b = 1 + i // self.S, i % self.S
            for _ in range(3):
                A[b][i] ^= 1
                b = (b + a) % self.S
        for i in range(self.S):
            A[i][self.W + i % self.P] ^= 1
            A[i][self.W + (i + 1) % self.P] ^= 1
            A[i][self.B + i] ^= 1
        n, power = self.Kx + self.S, 1
        for i in range(self.H):
            row, factor = A[self.S + i], 0
            for j in range(n - 1, -1, -1):  # GAMMA, from its lower end
                rand = Rand(j + 1, 6, self.H)
                hit = i in (rand, (rand + Rand(j + 1, 7, self.H - 1) + 1) % self.H)
                factor = times(factor, 2) ^ (power if j == n - 1 else int(hit))
                row[j] = factor
            row[n + i], power = 1, times(power, 2)
        for i in range(self.Kx):
            for column in self.neighbours(i):
                A[self.S + self.H + i][column] ^= 1
        return A

    def neighbours(self, X):
        """The intermediate symbols of an encoding symbol: Enc of 5.3.5.3 with the tuple of 5.3.5.4."""
        A = (53591 + self.J * 997) | 1
        y = (10267 * (self.J + 1) + X * A) % 2**32
        v = Rand(y, 0, 2**20)
        d = min(next(d for d in range(1, len(F)) if v < F[d]), self.W - 2)
        a, b = 1 + Rand(y, 1, self.W - 1), Rand(y, 2, self.W)
        d1 = 2 + Rand(X, 3, 2) if d < 4 else 2
        a1, b1 = 1 + Rand(X, 4, self.P1 - 1), Rand(X, 5, self.P1)
        found = [(b + j * a) % self.W for j in range(d)]
        while d1:
            if b1 < self.P:
                found.append(self.W + b1)
                d1 -= 1
            b1 = (b1 + a1) % self.P1
        return found

    def row(self, ESI):
        X = ESI if ESI < self.K else ESI + self.Kx - self.K
        total = bytes(self.K)
        for i in self.neighbours(X):
            total = add(total, self.C[i])
        return total


@lru_cache(maxsize=None)
def block(K):
    return Block(K)


# --- section 9


def parse(body, code):
    """A repair element in a packet with this CCCC."""
    bits, body = number(body[:2]), body[2:]
    copies, lengths, framing = bits >> 15, bits >> 14 & 1, bits >> 13 & 1
    window, offset = (bits >> 7 & 63) + 1, bits & 127
    if framing:
        code, back, body = body[0], number(body[1:3]), body[3:]
    check(code in FRAME_MS, "malformed")
    if not framing:
        back = (offset + 1) * FRAME_MS[code]
    step, count = 0, window
    if not copies:
        step, count, body = body[0] >> 4, (body[0] & 15) + 1, body[1:]
    size = len(body) // count
    check(size > (2 if lengths else 0) and len(body) == size * count, "malformed")
    return Repair(copies, lengths, window, back, code, step, [body[i * size : i * size + size] for i in range(count)])


def repairs_of(bundle, code):
    return [parse(body, code) for kind, body in elements(bundle) if kind == 2]


def source_symbol(frame, size):
    return (be(len(frame), 2) + frame).ljust(size, b"\0")


def frame_of(symbol):
    size = number(symbol[:2])
    check(0 < size <= len(symbol) - 2 and not any(symbol[2 + size :]), "no-frame")
    return symbol[2 : 2 + size]


def equations_of(repair):
    """(row of coefficients, symbol with its length) for each symbol."""
    for j, symbol in enumerate(repair.symbols):
        row = bytes(i == j for i in range(repair.window))
        if not repair.copies:
            row = block(repair.window).row(repair.window + repair.esi_step + j)
        if not repair.lengths:
            total = 0
            for factor in row:
                total ^= factor
            symbol = scale(be(len(symbol), 2), total) + symbol
        yield row, symbol


def bring_back(repair, frames):
    """frames: of the window, oldest first, None where lost. The same with what can be brought back."""
    lost = [i for i, frame in enumerate(frames) if frame is None]
    equations = []
    for row, symbol in equations_of(repair):
        known = [bytes(len(symbol)) if f is None else source_symbol(f, len(symbol)) for f in frames]
        equations.append(bytes(row[i] for i in lost) + add(symbol, weigh(row, known)))
    solved = solve(equations, len(lost))
    back = {i: frame_of(solved[n]) for n, i in enumerate(lost) if n in solved}
    return [back.get(i, frame) for i, frame in enumerate(frames)]


def verify(packets):
    """packets: (media time, CCCC, bundle), all one frame a packet. How many symbols agree with the frames that they
    speak of; one that does not is refused."""
    frames = {time: next(body for kind, body in elements(bundle) if kind == 1) for time, _, bundle in packets}
    agreed = 0
    for time, code, bundle in packets:
        for repair in repairs_of(bundle, code):
            step = FRAME_MS[repair.code]
            at = range(time - repair.back - step * (repair.window - 1), time - repair.back + 1, step)
            if any(t not in frames for t in at):
                continue  # from before we listened
            for row, symbol in equations_of(repair):
                check(weigh(row, [source_symbol(frames[t], len(symbol)) for t in at]) == symbol, f"repair at {time} ms")
                agreed += 1
    return agreed
