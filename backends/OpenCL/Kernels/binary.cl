// binary: y[i] = f(a[i], b[i]), any strides of a and b; y dense. An item takes BLOCK elements of a row, one scalar at a time in a loop
// that compilers vectorise. Scalar equivalent: the expression of KIND, of types A and B, giving R.

inline float least(float a, float b) { return isnan(a) ? a : isnan(b) ? b : a < b || (a == b && signbit(a)) ? a : b; }
inline float most(float a, float b) { return isnan(a) ? a : isnan(b) ? b : a > b || (a == b && signbit(b)) ? a : b; }

#define APPLY_add(a, b) ((a) + (b))
#define APPLY_sub(a, b) ((a) - (b))
#define APPLY_mul(a, b) ((a) * (b))
#define APPLY_div(a, b) ((a) / (b))
#define APPLY_least(a, b) least(a, b)
#define APPLY_most(a, b) most(a, b)
#define APPLY_min(a, b) min(a, b)
#define APPLY_max(a, b) max(a, b)
#define APPLY_eq(a, b) ((a) == (b))
#define APPLY_lt(a, b) ((a) < (b))
#define APPLY_le(a, b) ((a) <= (b))
#define APPLY_and(a, b) ((a) != 0 && (b) != 0)
#define APPLY_masked_fill(a, b) ((b) != 0 ? (a) : -INFINITY)

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
            py[i] = PASTE(APPLY, KIND)(px[i], pz[i]);
        }
        return;
    }
    for (long i = first; i < last; i++)
    {
        py[i * sy.s7] = PASTE(APPLY, KIND)(px[i * sx.s7], pz[i * sz.s7]);
    }
}
