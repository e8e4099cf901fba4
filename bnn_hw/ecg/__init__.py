"""ECG data: records, fragments, splits, preparation. The left end of the way to hardware."""
