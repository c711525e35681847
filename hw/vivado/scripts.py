"""Scripts for Vivado: `package.tcl` makes component.xml anew, `build.tcl` a block design with a DMA, and bits."""

from __future__ import annotations

from .component import LIBRARY, VENDOR, VERSION
from .wrapper import Wrapper

NEVER_RUN = "Never run in Vivado: run in tclsh, with Vivado's commands replaced by ones that look at their arguments."


def package_script(wrapper: Wrapper) -> str:
    """For `vivado -mode batch -source package.tcl`, beside ip/: packages it anew by Vivado's own means."""
    return f"""# {NEVER_RUN}
# Packages ip/ anew, where Vivado does not take the component.xml that lies there.
set here [file dirname [file normalize [info script]]]
create_project -in_memory -part xc7z020clg400-1
add_files [glob -directory $here/ip *.sv *.v]
set_property top {wrapper.name} [current_fileset]
ipx::package_project -root_dir $here/ip -vendor {VENDOR} -library {LIBRARY} -taxonomy /UserIP -force
set core [ipx::current_core]
set_property name {wrapper.name} $core
set_property version {VERSION} $core
ipx::associate_bus_interfaces -busif s_axis -clock aclk $core
ipx::associate_bus_interfaces -busif m_axis -clock aclk $core
ipx::save_core $core
close_project
"""


def build_script(wrapper: Wrapper) -> str:
    """For `vivado -mode batch -source build.tcl -tclargs zynq7 [PART]`, or zynqmp: DESIGN.bit and DESIGN.hwh."""
    name = wrapper.core.name
    return f"""# {NEVER_RUN}
# vivado -mode batch -source build.tcl -tclargs zynq7|zynqmp ?part?
set here [file dirname [file normalize [info script]]]
set kind [expr {{[llength $argv] > 0 ? [lindex $argv 0] : "zynq7"}}]
set parts [dict create zynq7 xc7z020clg400-1 zynqmp xczu3eg-sbva484-1-i]
if {{![dict exists $parts $kind]}} {{
  error "no processing system $kind; choose zynq7 or zynqmp"
}}
set part [expr {{[llength $argv] > 1 ? [lindex $argv 1] : [dict get $parts $kind]}}]

# The newest version of an IP that this Vivado has.
proc newest {{ip}} {{
  set found [lsort -dictionary [get_ipdefs -all "*:$ip:*"]]
  if {{[llength $found] == 0}} {{
    error "this Vivado has no IP $ip"
  }}
  return [lindex $found end]
}}

create_project {name} $here/project -part $part -force
set_property ip_repo_paths $here/ip [current_project]
update_ip_catalog
create_bd_design system

if {{$kind eq "zynq7"}} {{
  set ps [create_bd_cell -type ip -vlnv [newest processing_system7] ps]
  apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 \\
    -config {{make_external "FIXED_IO, DDR" apply_board_preset 0}} $ps
  set_property -dict {{
    CONFIG.PCW_USE_S_AXI_HP0 1 CONFIG.PCW_USE_M_AXI_GP0 1 CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ 100
  }} $ps
  set clock ps/FCLK_CLK0
  set reset ps/FCLK_RESET0_N
  set control ps/M_AXI_GP0
  set memory ps/S_AXI_HP0
}} else {{
  set ps [create_bd_cell -type ip -vlnv [newest zynq_ultra_ps_e] ps]
  set_property -dict {{
    CONFIG.PSU__USE__S_AXI_GP2 1 CONFIG.PSU__USE__M_AXI_GP0 0 CONFIG.PSU__USE__M_AXI_GP1 0 CONFIG.PSU__USE__M_AXI_GP2 1
    CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ 100
  }} $ps
  set clock ps/pl_clk0
  set reset ps/pl_resetn0
  set control ps/M_AXI_HPM0_LPD
  set memory ps/S_AXI_HP0_FPD
}}

# Simple mode: a transfer ends with TLAST. 26 bits of length are 64 MB; without them 16 KB.
set dma [create_bd_cell -type ip -vlnv [newest axi_dma] dma]
set_property -dict {{
  CONFIG.c_include_sg 0 CONFIG.c_sg_length_width 26 CONFIG.c_sg_include_stscntrl_strm 0
  CONFIG.c_m_axis_mm2s_tdata_width {wrapper.bits_in} CONFIG.c_m_axi_mm2s_data_width {max(32, wrapper.bits_in)}
  CONFIG.c_s_axis_s2mm_tdata_width {wrapper.bits_out} CONFIG.c_m_axi_s2mm_data_width {max(32, wrapper.bits_out)}
}} $dma
create_bd_cell -type ip -vlnv [newest {wrapper.name}] net

connect_bd_intf_net [get_bd_intf_pins dma/M_AXIS_MM2S] [get_bd_intf_pins net/s_axis]
connect_bd_intf_net [get_bd_intf_pins net/m_axis] [get_bd_intf_pins dma/S_AXIS_S2MM]

# Everything runs at one clock; each reset is of it.
set resets [create_bd_cell -type ip -vlnv [newest proc_sys_reset] resets]
connect_bd_net [get_bd_pins $clock] [get_bd_pins resets/slowest_sync_clk]
connect_bd_net [get_bd_pins $reset] [get_bd_pins resets/ext_reset_in]
foreach {{name masters slaves}} {{control 1 1 data 2 1}} {{
  set cell [create_bd_cell -type ip -vlnv [newest smartconnect] $name]
  set_property -dict [list CONFIG.NUM_SI $masters CONFIG.NUM_MI $slaves CONFIG.NUM_CLKS 1] $cell
  connect_bd_net [get_bd_pins $clock] [get_bd_pins $name/aclk]
  connect_bd_net [get_bd_pins resets/peripheral_aresetn] [get_bd_pins $name/aresetn]
}}
connect_bd_intf_net [get_bd_intf_pins $control] [get_bd_intf_pins control/S00_AXI]
connect_bd_intf_net [get_bd_intf_pins control/M00_AXI] [get_bd_intf_pins dma/S_AXI_LITE]
connect_bd_intf_net [get_bd_intf_pins dma/M_AXI_MM2S] [get_bd_intf_pins data/S00_AXI]
connect_bd_intf_net [get_bd_intf_pins dma/M_AXI_S2MM] [get_bd_intf_pins data/S01_AXI]
connect_bd_intf_net [get_bd_intf_pins data/M00_AXI] [get_bd_intf_pins $memory]

set clocked {{net/aclk dma/s_axi_lite_aclk dma/m_axi_mm2s_aclk dma/m_axi_s2mm_aclk}}
if {{$kind eq "zynq7"}} {{
  lappend clocked ps/M_AXI_GP0_ACLK ps/S_AXI_HP0_ACLK
}} else {{
  lappend clocked ps/maxihpm0_lpd_aclk ps/saxihp0_fpd_aclk
}}
foreach pin $clocked {{
  connect_bd_net [get_bd_pins $clock] [get_bd_pins $pin]
}}
foreach pin {{net/aresetn dma/axi_resetn}} {{
  connect_bd_net [get_bd_pins resets/peripheral_aresetn] [get_bd_pins $pin]
}}

assign_bd_address
validate_bd_design
save_bd_design
set wrapper [make_wrapper -files [get_files system.bd] -top]
add_files -norecurse $wrapper
set_property top system_wrapper [current_fileset]
launch_runs impl_1 -to_step write_bitstream -jobs 4
wait_on_run impl_1
if {{[get_property PROGRESS [get_runs impl_1]] ne "100%"}} {{
  error "implementation failed; see $here/project/{name}.runs/impl_1/runme.log"
}}
set slack [get_property STATS.WNS [get_runs impl_1]]
if {{$slack < 0}} {{
  error "100 MHz are too fast by $slack ns; ask the processing system for a slower clock"
}}

# PYNQ reads the two under one name.
file copy -force $here/project/{name}.runs/impl_1/system_wrapper.bit $here/{name}.bit
file copy -force [lindex [glob $here/project/{name}.gen/sources_1/bd/system/hw_handoff/system.hwh] 0] $here/{name}.hwh
"""
