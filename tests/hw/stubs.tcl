# Vivado's commands as far as our scripts use them: each looks at its arguments, and anything else is an error.
set ::made {}
set ::nets {}
proc unknown {args} { error "no such command: [lindex $args 0]" }
proc note {name args} { lappend ::made "$name $args" }
foreach name {create_project update_ip_catalog create_bd_design apply_bd_automation assign_bd_address validate_bd_design
              save_bd_design add_files launch_runs wait_on_run close_project} {
  proc $name {args} "note $name {*}\$args"
}
set ::catalogue {
  xilinx.com:ip:processing_system7:5.5 xilinx.com:ip:processing_system7:5.7 xilinx.com:ip:zynq_ultra_ps_e:3.5
  xilinx.com:ip:axi_dma:7.1 xilinx.com:ip:proc_sys_reset:5.0 xilinx.com:ip:smartconnect:1.0
}
proc get_ipdefs {all pattern} { return [lsearch -all -inline -glob $::catalogue $pattern] }
proc create_bd_cell {type ip vlnv name cell} {
  if {"$type $ip $vlnv" ne "-type ip -vlnv" || [lsearch $::catalogue $name] < 0} { error "create_bd_cell: $name" }
  note create_bd_cell $name $cell
  lappend ::cells $cell
  return $cell
}
proc pins {pin} {
  if {[lsearch $::cells [lindex [split $pin /] 0]] < 0} { error "no cell of $pin" }
  return $pin
}
proc get_bd_pins {pin} { return [pins $pin] }
proc get_bd_intf_pins {pin} { return [pins $pin] }
proc connect_bd_net {from to} { lappend ::nets "$from $to" }
proc connect_bd_intf_net {from to} { lappend ::nets "$from $to" }
proc set_property {args} {
  if {[lindex $args 0] eq "-dict"} {
    if {[llength $args] != 3 || [llength [lindex $args 1]] % 2} { error "set_property: $args" }
    note set_property {*}[lindex $args 1]
  } elseif {[llength $args] != 3} { error "set_property: $args" } else { note set_property {*}$args }
}
proc get_property {name of} { return [dict get {PROGRESS 100% STATS.WNS 0.5} $name] }
proc current_project {} { return project }
proc current_fileset {} { return sources_1 }
proc get_runs {run} { return $run }
proc get_files {file} { return $file }
proc make_wrapper {files of top} { return system_wrapper.v }
namespace eval ipx {
  proc package_project {args} { note package_project {*}$args }
  proc current_core {} { return core }
  proc associate_bus_interfaces {args} { note associate {*}$args }
  proc save_core {core} { note save_core $core }
}
rename file real_file
proc file {what args} { if {$what eq "copy"} { note copy {*}$args } else { return [real_file $what {*}$args] } }
rename glob real_glob
proc glob {args} { return found }
