import pytest

from streams.cli.newest import newest


async def numbers(*given):
    for number in given:
        yield number


@pytest.mark.parametrize(("limit", "kept"), [(0, [1, 2, 3, 4]), (2, [3, 4]), (4, [1, 2, 3, 4]), (9, [1, 2, 3, 4])])
async def test_the_highest_are_kept_in_their_order(limit, kept):
    assert await newest(numbers(3, 1, 4, 2), limit, lambda number: (number,)) == kept
