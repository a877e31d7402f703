; BAD_BITCODE inline assembler
define i64 @kernel(i64 %number) {
  %r = call i64 asm sideeffect "syscall", "={rax},{rax},~{rcx},~{r11},~{memory}"(i64 %number)
  ret i64 %r
}
