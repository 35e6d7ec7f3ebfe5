import asyncio


def count(n):
    for i in range(n):
        yield i


def nested(n):
    yield from count(n)
    return (yield n)


def echo():
    got = None
    while True:
        try:
            got = yield got
        except KeyError:
            got = "caught"


async def sleeper(n):
    for _ in range(n):
        await asyncio.sleep(0)
    return n


async def ticks(n):
    for i in range(n):
        yield i
        await asyncio.sleep(0)


async def gather():
    await asyncio.gather(*(sleeper(n) for n in range(10)))
    async for _ in ticks(5):
        pass
    try:
        await asyncio.wait_for(asyncio.sleep(30), 0.001)
    except asyncio.TimeoutError:
        pass


def main():
    list(nested(50))
    generator = echo()
    next(generator)
    generator.send(1)
    generator.throw(KeyError)
    generator.close()
    unfinished = count(10)
    next(unfinished)
    del unfinished
    never_started = count(3)
    never_started.close()
    sum(x for x in count(20) if x % 2)
    asyncio.run(gather())
