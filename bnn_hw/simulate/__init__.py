"""Simulators and front ends: run the generated hardware and compare every stream with golden.

Stands after generate: reads a build folder, a :class:`bnn_hw.generate.plan.Plan` and samples; gives
streams (taps), comparisons with a golden trace, lint messages and elaborated constants. Nothing here
computes what a network means; that is golden's.
"""
