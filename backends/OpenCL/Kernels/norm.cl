// rms_norm and softmax over the last axis, rows dense: a group takes a row; each lane runs through every WG-th vector of eight.
// Scalar equivalents: y[i] = x[i] / sqrt(sum(x^2) / n + eps) * w[i]; y[i] = exp(x[i] - max) / sum(exp(x - max)).

#ifdef W
// The factor of a row, and what x is multiplied with before it: 1, save in rows whose squares leave f32.
inline float2 rms_scale(global const float *x, int n, float eps, local float *places)
{
    int lane = (int)get_local_id(0);
    float8 lanes = 0;
    float rest = 0;
    for (int i = lane; i < n / 8; i += WG)
    {
        float8 v = vload8(i, x);
        lanes = MAD(v, v, lanes);
    }
    for (int i = n / 8 * 8 + lane; i < n; i += WG)
    {
        rest += x[i] * x[i];
    }
    float sum = sum_over_lanes(lanes_of(lanes) + rest, places);
    if (sum < 1e37f && (sum > 1e-25f || eps > 1e-25f || sum == 0.0f))
    {
        return (float2)(1.0f, 1.0f / sqrt(sum / (float)n + eps));
    }

    // Huge or tiny: measured against a power of two that makes them plain.
    float scale = sum >= 1e37f ? 0x1p-70f : 0x1p60f;
    rest = 0;
    for (int i = lane; i < n; i += WG)
    {
        float v = x[i] * scale;
        rest += v * v;
    }
    sum = sum_over_lanes(rest, places);
    return (float2)(scale, 1.0f / sqrt(sum / (float)n + eps * scale * scale));
}
#endif

#ifdef RMS_NORM
kernel GROUP void rms_norm(TENSOR(x), TENSOR(w), TENSOR(y), int n, float eps)
{
    local float places[WG];
    long row = (long)get_group_id(0);
    global const float *px = DATA(const float, x) + row * n;
    global const uchar *pw = DATA(const uchar, w);
    global float *py = DATA(float, y) + row * n;
    float2 scale = rms_scale(px, n, eps, places);
    int lane = (int)get_local_id(0);
    for (int unit = lane; unit < n / 32; unit += WG)
    {
        global const uchar *v = PASTE(unit, W)(pw, unit);
        for (int c = 0; c < 4; c++)
        {
            vstore8(vload8(4 * unit + c, px) * scale.x * scale.y * PASTE(part, W)(v, unit, 0, c), 4 * unit + c, py);
        }
    }
    for (int i = n / 32 * 32 + lane; i < n; i += WG)
    {
        py[i] = px[i] * scale.x * scale.y * PASTE(load, W)(pw, i);
    }
}
#endif

#ifdef SOFTMAX
kernel GROUP void softmax(TENSOR(x), TENSOR(y), long length)
{
    local float places[WG];
    long row = (long)get_group_id(0);
    global const float *px = DATA(const float, x) + row * length;
    global float *py = DATA(float, y) + row * length;
    long lane = (long)get_local_id(0);
    long vectors = length / 8;
    float most = -INFINITY;
    for (long i = lane; i < length; i += WG)
    {
        most = max(most, px[i]);
    }
    most = max_over_lanes(most, places);
    float8 lanes = 0;
    float rest = 0;
    for (long i = lane; i < vectors; i += WG)
    {
        float8 e = exp(vload8(i, px) - most);
        lanes += e;
        vstore8(e, i, py);
    }
    for (long i = vectors * 8 + lane; i < length; i += WG)
    {
        float e = exp(px[i] - most);
        rest += e;
        py[i] = e;
    }
    float sum = sum_over_lanes(lanes_of(lanes) + rest, places);
    for (long i = lane; i < vectors; i += WG)
    {
        vstore8(vload8(i, py) / sum, i, py);
    }
    for (long i = vectors * 8 + lane; i < length; i += WG)
    {
        py[i] /= sum;
    }
}
#endif
#ifdef ROPE
// rope, and with W qk_norm_rope: a group takes a head of a token; h = d / 2.
// Scalar equivalent: y[i] = x[i] cos[i] - x[i + h] sin[i]; y[i + h] = x[i + h] cos[i + h] + x[i] sin[i + h], x normalised before with W.
#ifdef W
kernel GROUP void rope(TENSOR(x), TENSOR(w), TENSOR(cosine), TENSOR(sine), TENSOR(y), int heads, int d, float eps)
#else
kernel GROUP void rope(TENSOR(x), TENSOR(cosine), TENSOR(sine), TENSOR(y), int heads, int d)
#endif
{
    long unit = (long)get_group_id(0);
    global const float *px = DATA(const float, x) + unit * d;
    global const float *pc = DATA(const float, cosine) + unit / heads * d;
    global const float *ps = DATA(const float, sine) + unit / heads * d;
    global float *py = DATA(float, y) + unit * d;
    int lane = (int)get_local_id(0);
    int h = d / 2;
    int i = lane;
#ifdef W
    local float places[WG];
    global const uchar *pw = DATA(const uchar, w);
    float2 scale = rms_scale(px, d, eps, places);
    for (; i < h; i += WG)
    {
        float a = px[i] * scale.x * scale.y * PASTE(load, W)(pw, i);
        float b = px[i + h] * scale.x * scale.y * PASTE(load, W)(pw, i + h);
        py[i] = a * pc[i] - b * ps[i];
        py[i + h] = b * pc[i + h] + a * ps[i + h];
    }
#else
    for (; i < h; i += WG)
    {
        float a = px[i];
        float b = px[i + h];
        py[i] = a * pc[i] - b * ps[i];
        py[i + h] = b * pc[i + h] + a * ps[i + h];
    }
#endif
}
#endif
