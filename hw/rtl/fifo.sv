`default_nettype none
// First-in first-out buffer: a memory of DEPTH beats and an output register behind it.
//
// In: beats of WIDTH bits. Out: the same beats in order, at least two cycles later. One beat a cycle, no bubbles.
module fifo #(
  parameter  int WIDTH = 8,
  parameter  int DEPTH = 4,
  localparam int ADDRESS_WIDTH = $clog2(DEPTH),
  localparam int COUNT_WIDTH   = $clog2(DEPTH + 1)
) (
  input  wire              clk,
  input  wire              rst,                    // synchronous, control only
  input  wire  [WIDTH-1:0] s_axis_tdata,
  input  wire              s_axis_tvalid,
  output wire              s_axis_tready,
  output logic [WIDTH-1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  wire              m_axis_tready
);
  localparam logic [ADDRESS_WIDTH-1:0] LAST = ADDRESS_WIDTH'(DEPTH - 1);

  logic [WIDTH-1:0]         memory [0:DEPTH-1];
  logic [ADDRESS_WIDTH-1:0] write_address, read_address;
  logic [COUNT_WIDTH-1:0]   count;                 // beats in the memory, the output register apart
  logic                     full;

  assign s_axis_tready = !full;
  wire write = s_axis_tvalid && !full;
  wire read  = (m_axis_tready || !m_axis_tvalid) && count != '0;

  always_ff @(posedge clk) begin
    if (write) memory[write_address] <= s_axis_tdata;
    if (read)  m_axis_tdata <= memory[read_address];
  end

  always_ff @(posedge clk) begin
    if (write) write_address <= write_address == LAST ? '0 : write_address + 1'b1;
    if (read)  read_address  <= read_address == LAST ? '0 : read_address + 1'b1;
    if (write != read) begin
      count <= write ? count + 1'b1 : count - 1'b1;
      full  <= write && count == COUNT_WIDTH'(DEPTH - 1);
    end
    if (m_axis_tready || !m_axis_tvalid) m_axis_tvalid <= read;
    if (rst) begin
      write_address <= '0;
      read_address  <= '0;
      count         <= '0;
      full          <= 1'b0;
      m_axis_tvalid <= 1'b0;
    end
  end

  initial if (DEPTH < 2) $fatal(1, "fifo: DEPTH=%0d must be at least 2 to take and give a beat a cycle", DEPTH);
endmodule
`default_nettype wire
