"""Tables of Markdown, and numbers as these show them."""


def table(head, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
    return "\n".join(lines)


def number(value, digits=0):
    """A number with thousands separated; a dash for an absent number."""
    return "-" if value is None else f"{value:,.{digits}f}"


def ratio(value, other):
    return "-" if not value or not other else f"{value / other:.2f}"


def rate(series):
    """The median with the lowest and the highest run."""
    low, high = series.spread()
    return f"{number(series.median())} ({number(low)} to {number(high)})"


def verdict(reached, goal):
    """A ratio, with its goal where there is one: `yes: 0.50 of 0.37`."""
    if goal is None:
        return f"{reached:.2f}"
    return f"{'yes' if reached >= goal else 'no'}: {reached:.2f} of {goal:g}"
