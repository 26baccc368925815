// binary: y[i] = f(a[i], b[i]), any strides of a and b; y dense. An item takes BLOCK elements of a row, one scalar at a time in a loop
// that compilers vectorise. Scalar equivalent: APPLY, one of the expressions, of types A and B, giving R.

inline float least(float a, float b) { return isnan(a) ? a : isnan(b) ? b : a < b || (a == b && signbit(a)) ? a : b; }
inline float most(float a, float b) { return isnan(a) ? a : isnan(b) ? b : a > b || (a == b && signbit(b)) ? a : b; }

#define apply_add(a, b) ((a) + (b))
#define apply_sub(a, b) ((a) - (b))
#define apply_mul(a, b) ((a) * (b))
#define apply_div(a, b) ((a) / (b))
#define apply_least(a, b) least(a, b)
#define apply_most(a, b) most(a, b)
#define apply_min(a, b) min(a, b)
#define apply_max(a, b) max(a, b)
#define apply_eq(a, b) ((a) == (b))
#define apply_lt(a, b) ((a) < (b))
#define apply_le(a, b) ((a) <= (b))
#define apply_and(a, b) ((a) != 0 && (b) != 0)
#define apply_masked_fill(a, b) ((b) != 0 ? (a) : -INFINITY)

kernel GROUP void binary(TENSOR(x), TENSOR(z), TENSOR(y), WALK, long8 sx, long8 sz, long8 sy)
{
    WALK_BEGIN
    global const A *px = DATA(const A, x) + OFFSET(sx);
    global const B *pz = DATA(const B, z) + OFFSET(sz);
    global R *py = DATA(R, y) + OFFSET(sy);
    if (sx.s7 == 1 && sz.s7 == 1 && sy.s7 == 1)
    {
        for (long i = first; i < last; i++)
        {
            py[i] = APPLY(px[i], pz[i]);
        }
        return;
    }
    for (long i = first; i < last; i++)
    {
        py[i * sy.s7] = APPLY(px[i * sx.s7], pz[i * sz.s7]);
    }
}
