"""The command that says what is understood of a network class, and writes an adapter of it."""

import argparse

from sweeps.cli.exit_codes import BAD_INPUT, DONE, complain
from sweeps.errors import InputError
from sweeps.formatting import printable


def adapt(arguments: argparse.Namespace) -> int:
    from sweeps.user_network.adapting import understand

    if arguments.out is not None and arguments.out.exists():
        raise InputError(f"{arguments.out}: is there already; name another file with --out")
    if arguments.out is not None and not arguments.out.absolute().parent.is_dir():  # else what was found would be lost
        raise InputError(f"--out: there is no folder {arguments.out.parent}")
    complain(f"executes {arguments.target} in a worker process, with a time limit", DONE)
    found = understand(arguments.target, arguments.sizes)
    width = max((len(what) for what, _ in found.rows), default=0)
    for what, how in found.rows:
        print(printable(f"{what:<{width}}  {how}"))
    if arguments.out is not None and found.adapter:
        arguments.out.write_text(found.adapter, encoding="utf-8")
        complain(f"wrote {arguments.out}: edit it, then sweeps diagnose {arguments.out}:Adapter", DONE)
    if not found.problem:
        complain("it can be swept and diagnosed as it is", DONE)
        return DONE
    hint = "" if arguments.out is not None else "; --out FILE writes an adapter to edit"
    return complain(f"not understood: {found.problem}{hint}", BAD_INPUT)
