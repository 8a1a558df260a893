"""Training on a GPU: frames per second, mixed precision, and the share of the card's measured peak.

``python -m benchmarks.gpu`` says so and ends well where there is no GPU. Peaks are those of large square
products of matrices, measured on the card itself in float32, TF32 and bfloat16. The rate of a training is
that of its matrix products over the whole time of its steps.
"""

import time

import torch
from torch.utils.flop_counter import FlopCounterMode

from avfusion import RecursiveJointAttentionRegressor
from benchmarks import bare, report

PRECISIONS = ("float32", "tf32", "bfloat16")


def synchronised(device):
    """Return the time when all work given to the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def set_precision(precision):
    """Choose how products of float32 matrices are computed."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"


def peak(precision, device, size, seconds=1.0):
    """Return the rate of a square matrix product, in flop per second."""
    set_precision(precision)
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    out = left @ right
    rate = 0.0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = synchronised(device)
        for _ in range(10):
            torch.mm(left, right, out=out)
        rate = max(rate, 10 * 2 * size**3 / (synchronised(device) - begin))
    return rate


def training(precision, device, widths, hidden_size, batch_size, length, n_steps):
    """Return frames per second and flop per second of training steps.

    As in `fit`, autocast covers the forward pass only, and the loss is looked at after every step.
    """
    set_precision(precision)
    X, y = report.recordings([length] * batch_size, widths)
    [(streams, masks, labels)] = bare.padded_batches(X, y, batch_size)
    streams = {name: stream.to(device) for name, stream in streams.items()}
    masks = {name: mask.to(device) for name, mask in masks.items()}
    labels = labels.to(device)
    settings = RecursiveJointAttentionRegressor()
    model = bare.default_model(widths, hidden_size).to(device)
    batches = [(streams, masks, labels)]
    if precision == "bfloat16":
        forward = torch.autocast(device.type, torch.bfloat16)(model.forward)
        model.forward = lambda *inputs: forward(*inputs).float()
    with FlopCounterMode(display=False) as counter:
        bare.train(model, batches, 1, settings)
    bare.train(model, batches * 3, 1, settings)
    begin = synchronised(device)
    bare.train(model, batches * n_steps, 1, settings)
    seconds = (synchronised(device) - begin) / n_steps
    flops = counter.get_total_flops() + lstm_flops(model, batch_size * length)
    return batch_size * length / seconds, flops / seconds


def lstm_flops(model, frames):
    """Return the flop of LSTMs in a training step, which torch does not count; two thirds backwards."""
    weights = sum(
        parameter.numel()
        for module in model.modules()
        if isinstance(module, torch.nn.LSTM)
        for name, parameter in module.named_parameters()
        if name.startswith("weight")
    )
    return 3 * 2 * frames * weights


def estimator_rate(precision, device, widths, batch_size, length, n_rows):
    """Return the frames per second of `fit`, with the batches' way to the device."""
    X, y = report.recordings([length] * n_rows, widths)
    estimator = RecursiveJointAttentionRegressor(
        max_epochs=2, batch_size=batch_size, device=str(device), random_state=0, precision=precision
    )
    estimator.fit(X, y)
    begin = synchronised(device)
    estimator.fit(X, y)
    return 2 * n_rows * length / (synchronised(device) - begin)


def main(arguments=None):
    parser = report.options(__doc__)
    parser.add_argument("--device", default="cuda", help="'cpu' shows that the benchmark works")
    parser.add_argument("--size", type=int, default=8192, help="of the matrices that find the peak")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--length", type=int, default=300, help="steps in time")
    parser.add_argument("--steps", type=int, default=20, help="training steps")
    chosen = parser.parse_args(arguments)
    device = torch.device(chosen.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("There is no GPU here; nothing was measured.")
        return
    torch.manual_seed(0)
    n_steps = min(5, chosen.steps) if chosen.short else chosen.steps
    peaks = {name: peak(name, device, chosen.size, 0.2 if chosen.short else 2.0) for name in PRECISIONS}
    widths = {"audio": 512, "video": 512}
    rows = []
    for hidden_size in (32, 256):
        for precision in PRECISIONS:
            frames, flops = training(
                precision, device, widths, hidden_size, chosen.batch, chosen.length, n_steps
            )
            rows.append(
                {
                    "hidden": hidden_size,
                    "precision": precision,
                    "frames per second": frames,
                    "TFLOP/s": 1e-12 * flops,
                    "peak (TFLOP/s)": 1e-12 * peaks[precision],
                    "share of peak": flops / peaks[precision],
                }
            )
    set_precision("float32")
    sizes = device, widths, chosen.batch, chosen.length, 4 * chosen.batch
    fits = [
        {"precision": name, "frames per second": estimator_rate(name, *sizes)}
        for name in ("float32", "bfloat16")
    ]
    tables = {
        "training steps, 512+512 features": rows,
        "fit of the default network": fits,
    }
    report.publish("gpu", tables, chosen.output)


if __name__ == "__main__":
    main()
