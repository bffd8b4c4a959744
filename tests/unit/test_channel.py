"""The channel: arbitration, routing by ID, whole write bursts, against an AXI4 memory that checks."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from agcu_bench import PAGE
from amaranth.sim import Simulator

from weft.hw.agcu.ports import request_layout
from weft.hw.chip.arbiter import Arbiter
from weft.hw.chip.channel import Channel
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec

SPEC = PRESETS["tiny"]
SIZE = SPEC.channel_bytes


class AxiMemory:
    """AXI4 subordinate: reads answered out of order between IDs, in order within one; random stalls."""

    def __init__(self, axi: Any, memory: np.ndarray, rng: random.Random, rate: float, *, fails: bool = False) -> None:
        self.axi, self.memory, self.rng, self.rate, self.fails = axi, memory, rng, rate, fails
        self.reads: list[tuple[int, deque[int]]] = []
        self.bursts: list[tuple[str, int, int, int]] = []
        self.writes: deque[tuple[int, int, int]] = deque()
        self.data: deque[tuple[int, int]] = deque()
        self.responses: deque[int] = deque()
        self.read_beats = self.written_beats = self.most_under_way = 0
        names = ("arvalid", "arid", "araddr", "arlen", "arsize", "arburst", "awvalid", "awid", "awaddr", "awlen",
                 "awsize", "awburst", "wvalid", "wdata", "wstrb", "wlast", "rready", "bready")  # fmt: skip
        self.names = names
        self.signals = tuple(getattr(axi, name) for name in names)
        self.ready: dict[str, bool] = {}
        self.responds = False

    def drive(self, ctx: Any) -> None:
        for name in ("arready", "awready", "wready"):
            self.ready[name] = self.rng.random() < self.rate
            ctx.set(getattr(self.axi, name), self.ready[name])
        valid = bool(self.reads) and self.rng.random() < self.rate
        ctx.set(self.axi.rvalid, valid)
        if valid:
            heads = {owner: index for index, (owner, _) in reversed(list(enumerate(self.reads)))}
            chosen = self.rng.choice(sorted(heads.values()))
            owner, addresses = self.reads[chosen]
            address = addresses.popleft()
            ctx.set(self.axi.rid, owner)
            ctx.set(self.axi.rdata, int.from_bytes(self.memory[address : address + SIZE].tobytes(), "little"))
            ctx.set(self.axi.rlast, not addresses)
            ctx.set(self.axi.rresp, 2 if self.fails else 0)
            self.read_beats += 1
            if not addresses:
                del self.reads[chosen]
        responds = bool(self.responses) and self.rng.random() < self.rate
        ctx.set(self.axi.bvalid, responds)
        if responds:
            ctx.set(self.axi.bid, self.responses.popleft())
            ctx.set(self.axi.bresp, 2 if self.fails else 0)

    def sampled(self, *values: int) -> None:
        at = dict(zip(self.names, values, strict=True))
        assert at["rready"]
        assert at["bready"]
        for prefix in ("ar", "aw"):
            if at[prefix + "valid"] and self.ready[prefix + "ready"]:
                address, count = at[prefix + "addr"], at[prefix + "len"] + 1
                assert (1 << at[prefix + "size"], at[prefix + "burst"]) == (SIZE, 1)
                assert address // PAGE == (address + count * SIZE - 1) // PAGE
                self.bursts.append((prefix, at[prefix + "id"], address, count))
                places = [address + k * SIZE for k in range(count)]
                if prefix == "ar":
                    self.reads.append((at["arid"], deque(places)))
                    self.most_under_way = max(self.most_under_way, sum(len(left) for _, left in self.reads))
                else:
                    self.writes.extend((at["awid"], place, place == places[-1]) for place in places)
        if at["wvalid"] and self.ready["wready"]:
            assert at["wstrb"] == (1 << SIZE) - 1
            self.written_beats += 1
            self.data.append((at["wdata"], at["wlast"]))
        while self.data and self.writes:
            (word, last), (owner, place, is_last) = self.data.popleft(), self.writes.popleft()
            assert last == is_last, "wlast does not end the burst"
            self.memory[place : place + SIZE] = np.frombuffer(word.to_bytes(SIZE, "little"), np.uint8)
            if last:
                self.responses.append(owner)


class Requester:
    """An AGCU as the channel sees it: asks for bursts of its own pages, remembers what came back."""

    def __init__(
        self, port: Any, bursts: list[tuple[int, int, int]], priority: int, rng: random.Random, rate: float, turn: int
    ):
        self.port, self.priority, self.rng, self.rate, self.turn = port, priority, rng, rate, turn
        self.todo = deque(bursts)
        self.words: deque[int] = deque()
        self.sent: list[int] = []
        for address, count, write in bursts:
            if write:
                self.words.extend((address + k * SIZE) * 0x9E3779B97F4A7C15 % (1 << 64) for k in range(count))
        self.got: list[int] = []
        self.acks = self.errors = 0
        self.asks = self.offers = False
        self.signals = (port.request.ready, port.write_data.ready, port.read_data.valid, port.read_data.payload,
                        port.written, port.error)  # fmt: skip

    def drive(self, ctx: Any) -> None:
        if not self.asks and self.todo and self.rng.random() < self.rate:
            self.asks = True
            address, count, write = self.todo[0]
            order = {"turn": self.turn, "priority": self.priority}
            fields = {"address": address, "beats": count - 1, "write": write, **order}
            ctx.set(self.port.request.payload, request_layout().const(fields))
        ctx.set(self.port.request.valid, self.asks)
        if not self.offers and self.words and self.rng.random() < self.rate:
            self.offers = True
            ctx.set(self.port.write_data.payload, self.words[0])
        ctx.set(self.port.write_data.valid, self.offers)

    def sampled(self, taken: int, data_taken: int, valid: int, word: int, written: int, error: int) -> None:
        if self.asks and taken:
            self.todo.popleft()
            self.asks = False
        if self.offers and data_taken:
            self.sent.append(self.words.popleft())
            self.offers = False
        if valid:
            self.got.append(word)
        self.acks += written
        self.errors += error


def simulate(
    plans: list[tuple[int, list[tuple[int, int, int]]]],
    *,
    rate: float,
    seed: int = 1,
    fails: bool = False,
    cycles: int = 900,
    memory_rate: float | None = None,
    spec: FabricSpec = SPEC,
    turns: Sequence[int] | None = None,
) -> tuple[list[Requester], AxiMemory, Channel]:
    dut = Channel(spec=spec, ports=len(plans))
    rng = random.Random(seed)
    memory = np.random.default_rng(2).integers(0, 256, 1 << 15, dtype=np.uint8)
    model = AxiMemory(dut.axi, memory, rng, memory_rate or rate, fails=fails)
    users = [
        Requester(dut.port[i], bursts, priority, rng, rate, turns[i] if turns else 0)
        for i, (priority, bursts) in enumerate(plans)
    ]

    async def bench(ctx: Any) -> None:
        for _ in range(cycles):
            for driver in [*users, model]:
                driver.drive(ctx)
            signals = [signal for driver in [*users, model] for signal in driver.signals]
            _, _, *values = await ctx.tick().sample(*signals)
            for driver in [*users, model]:
                count = len(driver.signals)
                driver.sampled(*values[:count])
                del values[:count]
        assert ctx.get(dut.read_beats) == model.read_beats
        assert ctx.get(dut.written_beats) == model.written_beats
        ctx.set(dut.clear, 1)
        await ctx.tick()
        assert ctx.get(dut.read_beats) == ctx.get(dut.written_beats) == 0

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    return users, model, dut


@pytest.mark.parametrize(("rate", "seed"), [(1.0, 1), (0.6, 2), (0.3, 3)])
def test_three_users(rate: float, seed: int) -> None:
    reads = [[(user * 2 * PAGE + k * 64, 1 + (k + user) % 8, 0) for k in range(12)] for user in range(3)]
    writes = [[(user * 2 * PAGE + PAGE + k * 64, 1 + k % 8, 1) for k in range(8)] for user in range(3)]
    plans = [(user % 2, [*reads[user], *writes[user]]) for user in range(3)]
    before = np.random.default_rng(2).integers(0, 256, 1 << 15, dtype=np.uint8).view("<u8")
    users, model, _ = simulate(plans, rate=rate, seed=seed, cycles=1500)
    for user in range(3):
        places = [address + k * SIZE for address, count, _ in reads[user] for k in range(count)]
        assert users[user].got == [int(before[place // SIZE]) for place in places]
        assert users[user].acks == len(writes[user])
        assert users[user].errors == 0
        after = model.memory.view("<u8")
        places = [address + k * SIZE for address, count, _ in writes[user] for k in range(count)]
        assert [int(after[place // SIZE]) for place in places] == users[user].sent
    assert len(model.bursts) == 60


def test_lower_priority_number_goes_first_and_equals_take_turns() -> None:
    plans = [(3, [(k * 8, 1, 0) for k in range(20)]), (3, [(k * 8, 1, 0) for k in range(20)]),
             (1, [(k * 8, 1, 0) for k in range(20)])]  # fmt: skip
    _, model, _ = simulate(plans, rate=1.0, memory_rate=0.5, cycles=300)
    owners = [owner for _, owner, _, _ in model.bursts]
    # A user needs a cycle between two requests, in which another one may slip in.
    assert owners.index(2) <= 1
    last_urgent = len(owners) - 1 - owners[::-1].index(2)
    assert last_urgent < 45
    rest = owners[last_urgent + 1 :]
    assert abs(rest.count(0) - rest.count(1)) <= 1


@pytest.mark.parametrize("turns", [(1, 0), (0, 255), (100, 99)])
@pytest.mark.parametrize("write", [0, 1])
def test_the_earlier_turn_goes_first_whatever_the_priority(turns: tuple[int, int], write: int) -> None:
    """Turn 255 comes before turn 0, to which the count comes back."""
    plans = [(0, [(k * 8, 1, write) for k in range(20)]), (15, [(k * 8, 1, write) for k in range(20)])]
    _, model, _ = simulate(plans, rate=1.0, memory_rate=0.3, cycles=300, turns=turns)
    owners = [owner for _, owner, _, _ in model.bursts]
    assert owners.count(0) == owners.count(1) == 20
    # A user needs a cycle between two requests, in which the other one may slip in.
    last = len(owners) - 1 - owners[::-1].index(1)
    assert last - 19 <= 3


@pytest.mark.parametrize("window", [1, 8, 24])
def test_no_burst_is_read_ahead_of_the_window(window: int) -> None:
    plans = [(0, [(k * 64, 8, 0) for k in range(12)])] * 2
    users, model, _ = simulate(plans, rate=1.0, memory_rate=0.4, cycles=1500, spec=SPEC.replace(channel_window=window))
    assert [len(user.got) for user in users] == [96, 96]
    # The burst that reaches the window is whole, and one beat counts on for a cycle after it has come.
    assert window <= model.most_under_way < window + 8


def test_data_channel_does_not_rest_between_bursts() -> None:
    plans = [(0, [(k * 64, 8, 1) for k in range(12)])]
    users, _, _ = simulate(plans, rate=1.0, cycles=12 * 8 + 8)
    assert users[0].acks == 12


def test_errors_reach_their_user() -> None:
    users, _, _ = simulate([(0, [(0, 2, 0)]), (0, [(64, 1, 1)]), (0, [])], rate=1.0, fails=True, cycles=40)
    assert [user.errors for user in users] == [2, 1, 0]


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_arbiter_chooses_the_earliest_then_the_least_then_one_after_the_other(count: int) -> None:
    """Turns are less than half of 256 apart, anywhere in the count."""
    dut = Arbiter(count=count)
    rng = random.Random(count)

    async def bench(ctx: Any) -> None:
        last = 0
        for _ in range(300):
            wants = [rng.random() < 0.6 for _ in range(count)]
            priorities = [rng.randrange(3) for _ in range(count)]
            first, spread = rng.randrange(256), rng.choice([1, 2, 127])
            ages = [rng.randrange(spread) for _ in range(count)]
            taken = rng.random() < 0.7 and any(wants)
            ctx.set(dut.requests, sum(want << i for i, want in enumerate(wants)))
            ctx.set(dut.turns, sum((first + each) % 256 << 8 * i for i, each in enumerate(ages)))
            ctx.set(dut.priorities, sum(each << 4 * i for i, each in enumerate(priorities)))
            ctx.set(dut.taken, taken)
            _, _, chosen, some = await ctx.tick().sample(dut.chosen, dut.any)
            assert some == any(wants)
            if any(wants):
                order = list(zip(ages, priorities, strict=True))
                least = min(each for each, want in zip(order, wants, strict=True) if want)
                equals = [i for i in range(count) if wants[i] and order[i] == least]
                assert chosen == next((i for i in equals if i > last), equals[0])
            if taken:
                last = chosen

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
