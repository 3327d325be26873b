"""What is remembered stays within its bound, however it is asked for."""

import asyncio

from api.remembered import OVERHEAD_BYTES, Remembered, Told


def told(size: int) -> Told:
    return Told(b"x" * size, "tag")


def test_the_oldest_goes_first_and_the_bound_holds() -> None:
    async def scenario() -> None:
        remembered = Remembered(10 * (1_000 + OVERHEAD_BYTES))
        for key in range(50):
            await remembered.get(key, 0, lambda: told(1_000))
        await asyncio.sleep(0.01)
        made = []

        def make() -> Told:
            made.append(1)
            return told(1_000)

        for key in range(40, 50):
            await remembered.get(key, 0, make)
        assert not made
        await remembered.get(39, 0, make)
        assert made

    asyncio.run(scenario())


def test_a_new_stamp_at_any_moment_leaves_the_bound_as_it_is() -> None:
    async def scenario() -> None:
        most = 1_000_000
        remembered = Remembered(most)
        for stamp in range(200):
            asking = asyncio.create_task(remembered.get("board", stamp, lambda: told(50_000)))
            await asyncio.sleep(0.001 * (stamp % 3))
            await remembered.get("board", -stamp - 1, lambda: told(50_000))
            await asking
        count, made = 200, []

        def make() -> Told:
            made.append(1)
            return told(50_000)

        for _ in range(2):
            for key in range(count):
                await remembered.get(key, 0, make)
            await asyncio.sleep(0.01)
        assert len(made) >= 2 * count - most // 50_000, "more was held than the bound allows"

    asyncio.run(scenario())
