"""Look through the opcodes of a pickle before they run.

Some take memory or time in no relation to the file: memo numbers, for which a list is made, keys that are
tuples of tuples, which are walked through to hash them, and keys of one hash, which are compared one by one.
"""

import pickletools

DEEPEST_TUPLE, LARGEST_TUPLE = 50, 10**7
_OPCODES = {ord(opcode.code): opcode for opcode in pickletools.opcodes}
_ATOM = (1, 0)  # size and depth of what is no tuple
_PUTS, _GETS = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), ("GET", "BINGET", "LONG_BINGET")
_TUPLES = ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET")
_KEEPING = ("APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "BUILD", "READONLY_BUFFER")
_SIGNED = pickletools.TAKEN_FROM_ARGUMENT4
_WIDTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}


_CONTAINERS = ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_SET")  # a byte that takes 60 to 200 in memory
MOST_CONTAINERS = 2_000_000
_INTEGERS = {"LONG1": 9, "LONG4": 9, "INT": 22, "LONG": 22}  # bytes of those of 64 bits
MOST_INTEGERS = 1000  # of more bits: keys may be chosen so that all have one hash

_SIMPLE = {  # length of those that put an object on the stack, and have an argument of one length
    code: 1 + (opcode.arg.n if opcode.arg else 0)
    for code, opcode in _OPCODES.items()
    if not opcode.stack_before
    and opcode.stack_after
    and opcode.name not in (*_GETS, *_CONTAINERS, "MARK", "EXT1", "EXT2", "EXT4")
    and (opcode.arg is None or opcode.arg.n >= 0)
}


def check_opcodes(content):
    r"""Refuse opcodes that take memory or time in no relation to the file.

    The size and depth of each tuple are followed on a stack, as Python walks through it to hash it.

    Parameters
    ----------
    content : bytes or mmap.mmap

    Raises
    ------
    ValueError
        If there are such opcodes, or it is no pickle.

    Examples
    --------
    >>> import pickle
    >>> check_opcodes(pickle.dumps([1, 2]))
    >>> check_opcodes(b"\x80\x02r\xff\xff\xff\x7f.")
    Traceback (most recent call last):
    ...
    ValueError: It numbers its objects beyond their count, which would take memory.
    """
    stack, memo, end = [], {}, len(content)
    n_opcodes = n_containers = n_integers = position = 0
    while position < end:
        code = content[position]
        if code in _SIMPLE:  # most are, in a list of numbers
            n_opcodes, position = n_opcodes + 1, position + _SIMPLE[code]
            stack.append(_ATOM)
            continue
        opcode = _OPCODES.get(code)
        if opcode is None:
            break
        begin, position = _argument(content, position + 1, opcode)
        if opcode.name == "STOP":
            if position < end:
                raise ValueError("It goes on behind its first object: write a file for each.")
            return
        if position > end:
            break
        n_opcodes += 1
        n_integers += position - begin > _INTEGERS.get(opcode.name, end)
        if n_integers > MOST_INTEGERS:
            raise ValueError("It holds more integers beyond 64 bits than any file of features.")
        n_containers += opcode.name in _CONTAINERS
        if n_containers > max(MOST_CONTAINERS, end // 50):
            raise ValueError("It holds more containers than its size justifies.")
        if opcode.name in _PUTS or opcode.name in _GETS:
            number = _memo_number(content[begin:position], opcode, len(memo))
            _remember(opcode, number, n_opcodes, stack, memo)
        else:
            _step(opcode, stack)
    raise ValueError("It is no pickle, or damaged: it ends before its last object.")


def _argument(content, position, opcode):
    """Return where the argument of an opcode begins and ends, without reading it."""
    kind = opcode.arg
    if kind is None:
        return position, position
    if kind.n >= 0:
        return position, position + kind.n
    if kind.n == pickletools.UP_TO_NEWLINE:
        end = position
        for _ in range(2 if kind.name == "stringnl_noescape_pair" else 1):
            end = content.find(b"\n", end) + 1
            if not end:
                raise ValueError("It is no pickle, or damaged: a line does not end.")
        return position, end
    width = _WIDTHS[kind.n]
    begin = position + width
    length = int.from_bytes(
        content[position:begin], "little", signed=kind.n == pickletools.TAKEN_FROM_ARGUMENT4
    )
    if length < 0 or begin + length > len(content):
        raise ValueError("It is no pickle, or damaged: an object is longer than the file.")
    return begin, begin + length


def _memo_number(argument, opcode, n_memo):
    if opcode.name == "MEMOIZE":
        return n_memo
    if opcode.name not in ("PUT", "GET"):
        return int.from_bytes(argument, "little")
    if not argument.strip().isdigit() or len(argument) > 20:
        raise ValueError("It is no pickle, or damaged: an object has no number.")
    return int(argument)


def _remember(opcode, number, n_opcodes, stack, memo):
    """Follow what an opcode does to the memo."""
    if number > n_opcodes:
        raise ValueError("It numbers its objects beyond their count, which would take memory.")
    if opcode.name in _GETS:
        stack.append(memo.get(number, _ATOM))
    elif stack:
        memo[number] = stack[-1]


def _step(opcode, stack):
    """Follow what an opcode does to the stack."""
    name, before = opcode.name, opcode.stack_before
    if name.startswith("EXT"):  # may be an object that another pickle left in a cache of Python's
        raise ValueError("It names an extension, which is not loaded.")
    if not before:
        stack.append(None if name == "MARK" else _ATOM)
        return
    if name == "DUP":
        stack.append(stack[-1] if stack else _ATOM)
        return
    taken = []
    if pickletools.markobject in before:
        while stack and (item := stack.pop()) is not None:
            taken.append(item)
        before = before[: before.index(pickletools.markobject)]
    for _ in before:
        if not stack:
            raise ValueError("It is no pickle, or damaged: an object is missing.")
        taken.append(stack.pop() or _ATOM)
    if name in _TUPLES:
        made = 1 + sum(size for size, _ in taken), 1 + max((depth for _, depth in taken), default=0)
        if made[0] > LARGEST_TUPLE or made[1] > DEEPEST_TUPLE:
            raise ValueError("It holds tuples in tuples, more than any file of features.")
        stack.append(made)
    elif opcode.stack_after:
        stack.append(taken[-1] if name in _KEEPING else _ATOM)
