;; The two products that a step of a network costs, four or eight numbers at a time.
;; kernel.wasm beside it is this file through `wat2wasm`; a test holds the two equal.
(module
  (memory (import "room" "memory") 1)

  ;; sums[r] = weights[r] . inputs: rows of int8 with int16, exact in 32 bits. Columns are a multiple of 16.
  (func (export "whole") (param $weights i32) (param $inputs i32) (param $sums i32) (param $rows i32) (param $columns i32)
    (local $input i32) (local $end i32) (local $packed v128) (local $sum v128)
    (loop $row
      (local.set $input (local.get $inputs))
      (local.set $end (i32.add (local.get $inputs) (i32.shl (local.get $columns) (i32.const 1))))
      (local.set $sum (v128.const i32x4 0 0 0 0))
      (loop $column
        (local.set $packed (v128.load (local.get $weights)))
        (local.set $sum (i32x4.add (local.get $sum) (i32x4.add
          (i32x4.dot_i16x8_s (i16x8.extend_low_i8x16_s (local.get $packed)) (v128.load (local.get $input)))
          (i32x4.dot_i16x8_s (i16x8.extend_high_i8x16_s (local.get $packed)) (v128.load offset=16 (local.get $input))))))
        (local.set $weights (i32.add (local.get $weights) (i32.const 16)))
        (local.set $input (i32.add (local.get $input) (i32.const 32)))
        (br_if $column (i32.lt_u (local.get $input) (local.get $end))))
      (i32.store (local.get $sums) (i32.add
        (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
        (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))
      (local.set $sums (i32.add (local.get $sums) (i32.const 4)))
      (br_if $row (local.tee $rows (i32.sub (local.get $rows) (i32.const 1))))))

  ;; sums[r] += weights[r] . inputs in float32. Columns are a multiple of 4.
  (func (export "real") (param $weights i32) (param $inputs i32) (param $sums i32) (param $rows i32) (param $columns i32)
    (local $input i32) (local $end i32) (local $sum v128)
    (loop $row
      (local.set $input (local.get $inputs))
      (local.set $end (i32.add (local.get $inputs) (i32.shl (local.get $columns) (i32.const 2))))
      (local.set $sum (v128.const f32x4 0 0 0 0))
      (loop $column
        (local.set $sum (f32x4.add (local.get $sum)
          (f32x4.mul (v128.load (local.get $weights)) (v128.load (local.get $input)))))
        (local.set $weights (i32.add (local.get $weights) (i32.const 16)))
        (local.set $input (i32.add (local.get $input) (i32.const 16)))
        (br_if $column (i32.lt_u (local.get $input) (local.get $end))))
      (f32.store (local.get $sums) (f32.add (f32.load (local.get $sums)) (f32.add
        (f32.add (f32x4.extract_lane 0 (local.get $sum)) (f32x4.extract_lane 1 (local.get $sum)))
        (f32.add (f32x4.extract_lane 2 (local.get $sum)) (f32x4.extract_lane 3 (local.get $sum))))))
      (local.set $sums (i32.add (local.get $sums) (i32.const 4)))
      (br_if $row (local.tee $rows (i32.sub (local.get $rows) (i32.const 1)))))))
