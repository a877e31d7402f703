; BAD_BITCODE recursion
define i64 @kernel(i64 %x) {
  %more = icmp sgt i64 %x, 0
  br i1 %more, label %again, label %end
again:
  %y = sub i64 %x, 1
  %v = call i64 @kernel(i64 %y)
  %w = mul i64 %v, %x
  ret i64 %w
end:
  ret i64 1
}
