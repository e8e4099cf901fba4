// Weight ROM of a deep fold: bnn_rom with its hierarchy kept, so that synthesis fills its LUTs alone
// and neither shares them with the logic around nor takes the step register through them.
//
//   Depth, Width, Contents  those of bnn_rom
//
// Latency: 0; the user registers the word. Cost: Width LUT6 for each 64 words.
(* keep_hierarchy *)
module bnn_weights #(
  parameter int Depth = 40,
  parameter int Width = 8,
  parameter logic [Depth*Width-1:0] Contents = '0,
  // Derived, do not set.
  parameter int StepBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic [StepBits-1:0] step_i,
  output logic [Width-1:0]    word_o
);

  bnn_rom #(
    .Depth   (Depth),
    .Width   (Width),
    .Contents(Contents)
  ) u_rom (
    .address_i(step_i),
    .data_o   (word_o)
  );

endmodule
