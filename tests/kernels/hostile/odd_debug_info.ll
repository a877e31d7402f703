; OK
; Lines and files that nobody can have.
define i64 @kernel(i64 %x) !dbg !5 {
  %a = add i64 %x, 1, !dbg !8
  %b = mul i64 %a, 3, !dbg !9
  ret i64 %b, !dbg !10
}

!llvm.dbg.cu = !{!0}
!llvm.module.flags = !{!3, !4}
!0 = distinct !DICompileUnit(language: DW_LANG_C99, file: !1, producer: "\FF\00\01%s%n", isOptimized: true, runtimeVersion: 4294967295, emissionKind: LineTablesOnly)
!1 = !DIFile(filename: "/../../../../../../../../etc/passwd\0A\1B[2J%s%n", directory: "\00\00\00")
!3 = !{i32 2, !"Dwarf Version", i32 5}
!4 = !{i32 2, !"Debug Info Version", i32 3}
!5 = distinct !DISubprogram(name: "\00", linkageName: "%n%n", scope: !1, file: !1, line: 4294967295, type: !6, unit: !0)
!6 = !DISubroutineType(types: !7)
!7 = !{null}
!8 = !DILocation(line: 4294967295, column: 65535, scope: !5)
!9 = !DILocation(line: 0, column: 0, scope: !5)
!10 = !DILocation(line: 1, column: 1, scope: !5)
