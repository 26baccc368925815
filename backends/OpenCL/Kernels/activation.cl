// unary, silu and swiglu: y[i] = f(x[i]) or f(x[i], z[i]), any strides of the operands; y dense. An item takes BLOCK elements of a
// row, eight at a time where they lie side by side: exp is a function of vectors. Scalar equivalent: the expression.

#define UNARY(name, expression)                                                                                              \
    kernel GROUP void name(TENSOR(x), TENSOR(y), WALK, long8 sx, long8 sy)                                                   \
    {                                                                                                                        \
        WALK_BEGIN                                                                                                           \
        global const float *px = DATA(const float, x) + OFFSET(sx);                                                          \
        global float *py = DATA(float, y) + OFFSET(sy);                                                                      \
        long i = first;                                                                                                      \
        if (sx.s7 == 1 && sy.s7 == 1)                                                                                        \
        {                                                                                                                    \
            for (; i <= last - 8; i += 8)                                                                                    \
            {                                                                                                                \
                float8 a = vload8(0, px + i);                                                                                \
                vstore8(expression, 0, py + i);                                                                              \
            }                                                                                                                \
        }                                                                                                                    \
        for (; i < last; i++)                                                                                                \
        {                                                                                                                    \
            float a = px[i * sx.s7];                                                                                         \
            py[i * sy.s7] = expression;                                                                                      \
        }                                                                                                                    \
    }

UNARY(neg, -a)
UNARY(exp_, exp(a))
UNARY(rsqrt_, rsqrt(a))
UNARY(reciprocal, 1.0f / a)
UNARY(silu, a / (1.0f + exp(-a)))

kernel GROUP void swiglu(TENSOR(x), TENSOR(z), TENSOR(y), WALK, long8 sx, long8 sz, long8 sy)
{
    WALK_BEGIN
    global const float *px = DATA(const float, x) + OFFSET(sx);
    global const float *pz = DATA(const float, z) + OFFSET(sz);
    global float *py = DATA(float, y) + OFFSET(sy);
    long i = first;
    if (sx.s7 == 1 && sz.s7 == 1 && sy.s7 == 1)
    {
        for (; i <= last - 8; i += 8)
        {
            float8 a = vload8(0, px + i);
            vstore8(a / (1.0f + exp(-a)) * vload8(0, pz + i), 0, py + i);
        }
    }
    for (; i < last; i++)
    {
        float a = px[i * sx.s7];
        py[i * sy.s7] = a / (1.0f + exp(-a)) * pz[i * sz.s7];
    }
}
