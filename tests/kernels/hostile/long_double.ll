; KERNEL_ERROR no function
define x86_fp80 @kernel(x86_fp80 %x) {
  ret x86_fp80 %x
}
