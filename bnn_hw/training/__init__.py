"""Training: from labelled fragments to a float checkpoint in the reference naming.

The station between `bnn_hw.ecg` and `bnn_hw.freeze`. It reads a network description
(`networks/*.toml`), an experiment (`experiments/*.toml`) and ECG records; it gives a `.npz` of
float32 arrays, metrics in JSON and a resumable file. It also rebuilds the torch network of a
checkpoint in double precision, which `bnn_hw.verify` compares with golden layer by layer.
Nothing right of freeze imports this package.
"""
