"""The command ``bnn-hw`` and what every verb does about errors.

Whatever a user can cause ends as one line on stderr and exit status 2: wrong options, bad files, a
tool that is missing. Ctrl-C and a closed pipe end quietly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from bnn_hw import __version__
from bnn_hw.cli.activity import activity
from bnn_hw.cli.classify import classify
from bnn_hw.cli.data import data
from bnn_hw.cli.evaluate import evaluate
from bnn_hw.cli.freeze import freeze
from bnn_hw.cli.generate import generate
from bnn_hw.cli.info import info
from bnn_hw.cli.models import shipped_models
from bnn_hw.cli.report import report
from bnn_hw.cli.robustness import robustness
from bnn_hw.cli.study import study
from bnn_hw.cli.synth import synth
from bnn_hw.cli.train import train
from bnn_hw.cli.verify import verify
from bnn_hw.errors import UserError

USAGE_STATUS = 2
INTERRUPTED_STATUS = 130
BROKEN_PIPE_STATUS = 141


_HELP = f"""From a trained binary neural network to FPGA hardware that computes the same bits.

MODEL is the name of a network that ships ({", ".join(shipped_models()) or "none here"}) or the path
of a frozen one.
"""


@click.group(
    help=_HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="bnn-hw", message="%(prog)s %(version)s")
def group() -> None:
    """The command and its verbs."""


for _command in (
    info, freeze, generate, verify, synth, activity, classify, evaluate, robustness, report, train, study,
    data,
):  # fmt: skip
    group.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``bnn-hw`` with ``arguments`` (default: those of the process); the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # Not group.main(): that would end the process its own way on a closed pipe.
        with group.make_context("bnn-hw", given) as context:
            status = group.invoke(context)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except UserError as error:
        return _refuse(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return USAGE_STATUS
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "bnn-hw"
        return _refuse(f"{error.format_message()} (see {command} --help)")
    except click.ClickException as error:
        return _refuse(error.format_message())
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED_STATUS
    except BrokenPipeError:
        # Nobody reads any more; without this Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE_STATUS


def _refuse(message: str) -> int:
    print(f"bnn-hw: error: {' '.join(message.split())}", file=sys.stderr)
    return USAGE_STATUS
