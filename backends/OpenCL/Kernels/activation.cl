// unary, silu and swiglu: y[i] = f(x[i]), or f(x[i]) z[i] with GATES; any strides of the operands; y dense. An item takes BLOCK elements
// of a row, eight at a time where they lie side by side: exp is a function of vectors. Scalar equivalent: APPLY, one of the expressions.

#define apply_neg(a) (-(a))
#define apply_exp(a) exp(a)
#define apply_rsqrt(a) rsqrt(a)
#define apply_reciprocal(a) (1.0f / (a))
#define apply_silu(a) ((a) / (1.0f + exp(-(a))))

#ifdef GATES
kernel GROUP void activation(TENSOR(x), TENSOR(z), TENSOR(y), WALK, long8 sx, long8 sz, long8 sy)
#else
kernel GROUP void activation(TENSOR(x), TENSOR(y), WALK, long8 sx, long8 sy)
#endif
{
    WALK_BEGIN
    global const float *px = DATA(const float, x) + OFFSET(sx);
    global float *py = DATA(float, y) + OFFSET(sy);
    bool dense = sx.s7 == 1 && sy.s7 == 1;
#ifdef GATES
    global const float *pz = DATA(const float, z) + OFFSET(sz);
    dense = dense && sz.s7 == 1;
#define GATED(value, gate) ((value) * (gate))
#else
#define GATED(value, gate) (value)
#endif
    long i = first;
    for (; dense && i <= last - 8; i += 8)
    {
        float8 a = vload8(0, px + i);
        vstore8(GATED(APPLY(a), vload8(0, pz + i)), 0, py + i);
    }
    for (; i < last; i++)
    {
        float a = px[i * sx.s7];
        py[i * sy.s7] = GATED(APPLY(a), pz[i * sz.s7]);
    }
}
