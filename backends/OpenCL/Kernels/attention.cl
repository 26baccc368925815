// attention over the paged pool: for a head of a token at position p of sequence b, entries i from max(0, p - window + 1) to p:
// s[i] = scale q . k[slot i]; w = softmax(s); out = sum over i of w[i] v[slot i].
//
// A group takes the HEADS query heads of a token that read one head of K and V, and runs through the entries in chunks of CHUNK with a
// running maximum: a lane scores every WG-th entry of a chunk, then sums every WG-th vector of VW elements of V over all of them.
// Registers: HEADS x D / WG sums. Local memory: HEADS x CHUNK weights. Scalar equivalent: as above, the maximum of a chunk at a time.
// Chunks are counted from the first entry seen, so that neither the batch nor the placement of pages changes a bit.
// KV: the pool's type; D: elements of a head; PAGE: entries of a page.

#define SHARE ((D / VW + WG - 1) / WG)

#if VW == 8
typedef float8 vector;
#define LOAD_Q(x, i) vload8(i, x)
#define TOTAL(x) lanes_of(x)

inline float8 load8_f32(global const uchar *x, int i) { return vload8(i, (global const float *)x); }
inline float8 load8_f16(global const uchar *x, int i) { return half8_at(x, i); }
inline float8 load8_bf16(global const uchar *x, int i) { return as_float8(convert_uint8(vload8(i, (global const ushort *)x)) << 16); }

inline float8 load8_q8_0(global const uchar *x, int i)
{
    global const uchar *block = x + i / 4 * 34;
    return convert_float8(vload8(i % 4, (global const char *)block + 2)) * half_at(block, 0);
}

#define LOAD_KV(x, i) PASTE(load8, KV)(x, i)
#else
typedef float vector;
#define LOAD_Q(x, i) (x)[i]
#define TOTAL(x) (x)
#define LOAD_KV(x, i) PASTE(load, KV)(x, i)
#endif

kernel GROUP void attention(TENSOR(q), TENSOR(keys), TENSOR(values), TENSOR(q_seq), TENSOR(q_pos), TENSOR(page_table), TENSOR(y), int heads,
                            int kv_heads, int sequences, int pages, int pool_pages, long head_bytes, int window, float scale)
{
    local float weights[HEADS * CHUNK];
    local float places[WG];
    int lane = (int)get_local_id(0);
    int parts = heads / (HEADS);
    int token = (int)(get_group_id(0) / parts);
    int head = (int)(get_group_id(0) - (long)token * parts) * HEADS;
    int kv_head = head / (heads / kv_heads);
    global const float *pq = DATA(const float, q) + ((long)token * heads + head) * D;
    global float *py = DATA(float, y) + ((long)token * heads + head) * D;
    int sequence = clamp(DATA(const int, q_seq)[token], 0, sequences - 1);
    int position = clamp(DATA(const int, q_pos)[token], 0, pages * PAGE - 1);
    global const int *table = DATA(const int, page_table) + (long)sequence * pages;
    global const uchar *pk = DATA(const uchar, keys) + kv_head * head_bytes;
    global const uchar *pv = DATA(const uchar, values) + kv_head * head_bytes;
    long entry_bytes = kv_heads * head_bytes;

    vector sums[HEADS * SHARE];
    float most[HEADS];
    float total[HEADS];
#pragma unroll
    for (int h = 0; h < HEADS; h++)
    {
        most[h] = -INFINITY;
        total[h] = 0;
#pragma unroll
        for (int i = 0; i < SHARE; i++)
        {
            sums[h * SHARE + i] = 0;
        }
    }

#define SLOT(entry) ((long)clamp(table[(entry) / PAGE], 0, pool_pages - 1) * PAGE + (entry) % PAGE)

    for (int start = window == 0 ? 0 : max(0, position - window + 1); start <= position; start += CHUNK)
    {
        int count = min(CHUNK, position + 1 - start);
        float found[HEADS];
#pragma unroll
        for (int h = 0; h < HEADS; h++)
        {
            found[h] = -INFINITY;
        }
        for (int j = lane; j < count; j += WG)
        {
            global const uchar *key = pk + SLOT(start + j) * entry_bytes;
            vector dots[HEADS];
#pragma unroll
            for (int h = 0; h < HEADS; h++)
            {
                dots[h] = 0;
            }
            for (int i = 0; i < D / VW; i++)
            {
                vector k = LOAD_KV(key, i);
#pragma unroll
                for (int h = 0; h < HEADS; h++)
                {
                    dots[h] = MAD(LOAD_Q(pq + h * D, i), k, dots[h]);
                }
            }
#pragma unroll
            for (int h = 0; h < HEADS; h++)
            {
                float score = scale * TOTAL(dots[h]);
                weights[h * CHUNK + j] = score;
                found[h] = max(found[h], score);
            }
        }
#pragma unroll
        for (int h = 0; h < HEADS; h++)
        {
            float before = most[h];
            most[h] = max(before, max_over_lanes(found[h], places));
            float shrink = exp(before - most[h]);
            float sum = 0;
            for (int j = lane; j < count; j += WG)
            {
                float weight = exp(weights[h * CHUNK + j] - most[h]);
                weights[h * CHUNK + j] = weight;
                sum += weight;
            }
            total[h] = total[h] * shrink + sum_over_lanes(sum, places);
#pragma unroll
            for (int i = 0; i < SHARE; i++)
            {
                sums[h * SHARE + i] *= shrink;
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int j = 0; j < count; j++)
        {
            global const uchar *value = pv + SLOT(start + j) * entry_bytes;
#pragma unroll
            for (int i = 0; i < SHARE; i++)
            {
                int at = i * WG + lane;
                if (at < D / VW)
                {
                    vector v = LOAD_KV(value, at);
#pragma unroll
                    for (int h = 0; h < HEADS; h++)
                    {
                        sums[h * SHARE + i] = MAD(v, weights[h * CHUNK + j], sums[h * SHARE + i]);
                    }
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }

#pragma unroll
    for (int h = 0; h < HEADS; h++)
    {
#pragma unroll
        for (int i = 0; i < SHARE; i++)
        {
            int at = i * WG + lane;
            if (at < D / VW)
            {
                vector out = sums[h * SHARE + i] / total[h];
#if VW == 8
                vstore8(out, at, py + h * D);
#else
                py[h * D + at] = out;
#endif
            }
        }
    }
}
