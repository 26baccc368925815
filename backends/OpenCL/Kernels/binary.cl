// binary: y[i] = f(a[i], b[i]), any strides of a and b; y dense. An item takes BLOCK elements of a row, one scalar at a time in a loop
// that compilers vectorise. Scalar equivalent: the expression.

inline float least(float a, float b) { return isnan(a) ? a : isnan(b) ? b : a < b || (a == b && signbit(a)) ? a : b; }
inline float most(float a, float b) { return isnan(a) ? a : isnan(b) ? b : a > b || (a == b && signbit(b)) ? a : b; }

#define BINARY(name, A, B, R, expression)                                                                                    \
    kernel GROUP void name(TENSOR(x), TENSOR(z), TENSOR(y), WALK, long8 sx, long8 sz, long8 sy)                              \
    {                                                                                                                        \
        WALK_BEGIN                                                                                                           \
        global const A *px = DATA(const A, x) + OFFSET(sx);                                                                  \
        global const B *pz = DATA(const B, z) + OFFSET(sz);                                                                  \
        global R *py = DATA(R, y) + OFFSET(sy);                                                                              \
        if (sx.s7 == 1 && sz.s7 == 1 && sy.s7 == 1)                                                                          \
        {                                                                                                                    \
            for (long i = first; i < last; i++)                                                                              \
            {                                                                                                                \
                A a = px[i];                                                                                                 \
                B b = pz[i];                                                                                                 \
                py[i] = expression;                                                                                          \
            }                                                                                                                \
            return;                                                                                                          \
        }                                                                                                                    \
        for (long i = first; i < last; i++)                                                                                  \
        {                                                                                                                    \
            A a = px[i * sx.s7];                                                                                             \
            B b = pz[i * sz.s7];                                                                                             \
            py[i * sy.s7] = expression;                                                                                      \
        }                                                                                                                    \
    }

BINARY(add_f32, float, float, float, a + b)
BINARY(sub_f32, float, float, float, a - b)
BINARY(mul_f32, float, float, float, a * b)
BINARY(div_f32, float, float, float, a / b)
BINARY(min_f32, float, float, float, least(a, b))
BINARY(max_f32, float, float, float, most(a, b))
BINARY(eq_f32, float, float, uchar, a == b)
BINARY(lt_f32, float, float, uchar, a < b)
BINARY(le_f32, float, float, uchar, a <= b)
BINARY(add_i32, uint, uint, uint, a + b)
BINARY(sub_i32, uint, uint, uint, a - b)
BINARY(mul_i32, uint, uint, uint, a * b)
BINARY(min_i32, int, int, int, min(a, b))
BINARY(max_i32, int, int, int, max(a, b))
BINARY(eq_i32, int, int, uchar, a == b)
BINARY(lt_i32, int, int, uchar, a < b)
BINARY(le_i32, int, int, uchar, a <= b)
BINARY(and_bool, uchar, uchar, uchar, a != 0 && b != 0)
BINARY(masked_fill_f32, float, uchar, float, b != 0 ? a : -INFINITY)
