"""From a frozen network to a build folder: folding, plan, RTL, HLS, hand-off, vectors, manifest."""
