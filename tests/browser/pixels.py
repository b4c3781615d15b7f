"""Statistics that show what a mask hides and what it leaves."""

import numpy


def samples(data, rows, columns, bits):
    kind = numpy.uint8 if bits == 8 else numpy.dtype("<u2")
    return numpy.frombuffer(data, kind, rows * columns).reshape(rows, columns).astype(float)


def _mean(image, side):
    """Mean of the square around each pixel."""
    half = side // 2
    sums = numpy.pad(image, half + 1, mode="edge").cumsum(0).cumsum(1)
    size = 2 * half + 1
    total = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return total[: image.shape[0], : image.shape[1]] / size**2


def detail(image):
    """What is left after taking away everything coarser than 5 pixels."""
    return image - _mean(image, 5)


def hidden(clear, masked):
    """Pixels that differ, without those at the border of what differs, whose surroundings are not hidden."""
    return _mean((clear != masked).astype(float), 5) > 0.95


def left_of_detail(clear, masked):
    """Correlation of the hidden region's fine detail with the original."""
    where = hidden(clear, masked)
    a, b = detail(clear)[where], detail(masked)[where]
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(numpy.corrcoef(a, b)[0, 1])


def part(image, left, top, right, bottom):
    """A rectangle by shares of the sides."""
    rows, columns = image.shape
    return image[int(top * rows) : int(bottom * rows), int(left * columns) : int(right * columns)]
