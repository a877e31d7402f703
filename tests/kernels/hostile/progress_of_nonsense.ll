; OK
; kind array void(int64[:], int64[:])
; How far it says it is makes no sense.
declare void @farhand_progress(double)

define void @kernel(ptr %args, i32 %n) {
  call void @farhand_progress(double 0x7FF8000000000000)
  call void @farhand_progress(double 0x7FF0000000000000)
  call void @farhand_progress(double 0xFFF0000000000000)
  call void @farhand_progress(double -1.0e308)
  call void @farhand_progress(double 1.0e308)
  ret void
}
