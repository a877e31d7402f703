; BAD_BITCODE inline assembler
define double @kernel(double %x) {
  call void asm sideeffect "nop", ""()
  ret double %x
}
