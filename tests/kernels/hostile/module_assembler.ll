; BAD_BITCODE contains assembler
module asm ".globl farhand_owned"

define double @kernel(double %x) {
  ret double %x
}
