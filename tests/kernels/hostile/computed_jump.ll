; BAD_BITCODE computed address
define i32 @kernel(i32 %x) {
  %at = select i1 false, ptr blockaddress(@kernel, %one), ptr blockaddress(@kernel, %two)
  indirectbr ptr %at, [label %one, label %two]
one:
  ret i32 1
two:
  ret i32 2
}
