using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>Kernels whose formula is right and whose arithmetic is not what the device declares.</summary>
internal static class NumericFaults
{
    private const float SmallestHalf = 6.1035156e-5f;

    public static ImmutableArray<Mutant> All { get; } =
    [
        new("product-sums-in-f16", "matmul linear", "A product holds its sum in f16.", () => Product.Fault((p, _, a, b) =>
            p.Sum(a, b, (sum, x, w) => Rounded.ToHalf(sum + (x * w))))),
        new("activations-to-bf16", "matmul linear moe_ffn", "A product rounds its activations to bf16 without saying so.", () => new()
        {
            Before = l =>
            {
                Tensor x = l.Replace(0);
                for (long i = 0; i < x.Count; i++)
                {
                    x[i] = Rounded.ToBFloat16(x[i]);
                }
            },
        }),
        new("activations-to-int8", "matmul linear", "A product rounds the rows of its activations to int8 without saying so.", () => new()
        {
            Before = l => ToInt8(l.Replace(0)),
        }),
        new("weights-truncated", "linear", "f32 weights are cut to the upper half of their bits.", () => new()
        {
            Pack = (op, operand, bytes) =>
            {
                foreach (ref uint bits in MemoryMarshal.Cast<byte, uint>(op.Operands[operand].Element == ElementType.F32 ? bytes : []))
                {
                    bits &= 0xFFFF0000;
                }
            },
        }),
        new("product-overflows-f16", "matmul linear", "The result of a product passes through f16 and overflows there.", () => new()
        {
            After = l => Rows.EachElement(l, (y, _) => MathF.Abs(y) >= 65520 ? MathF.CopySign(float.PositiveInfinity, y) : y),
        }),
        new("softmax-without-max", "softmax", "softmax does not subtract the largest element first.", () => new()
        {
            After = l => Rows.Each(l.Out(), (row, n) => SoftmaxWithoutMax(l.In(0), l.Out(), row, n)),
        }),
        new("attention-without-max", "attention", "The softmax of attention, in f32, does not subtract the largest score first.",
            () => AttentionFormula.Fault(WithoutMax)),
        new("attention-weights-to-int8", "attention",
            "The weights of attention are rounded to 1/255.", () => AttentionFormula.Fault(scores =>
        {
            AttentionFormula.Softmax(scores);
            for (int i = 0; i < scores.Length; i++)
            {
                scores[i] = Math.Round(scores[i] * 255) / 255;
            }
        })),
        new("norm-squares-in-f16", "rms_norm qk_norm_rope", "RMSNorm holds the sum of squares in f16.", () => new()
        {
            After = l => Rows.Each(l.Out(), (row, n) => NormInHalf(l.In(0), l.Out(), row, n, l.Op.Attributes.Float64("eps"))),
        }),
        new("subnormals-flushed", "binary copy unary", "Subnormal results become zero without the device saying so.", () => new()
        {
            After = l => Rows.EachElement(l, (y, _) =>
                l.Op.Results[0].Element is ElementType.F32 or ElementType.BF16 ? Rounded.Flush(y)
                : l.Op.Results[0].Element == ElementType.F16 && MathF.Abs(y) < SmallestHalf ? 0 : y),
        }),
        new("cast-truncates", "copy scatter_rows", "A cast to f16 cuts rather than rounds.", () => new()
        {
            After = l => Casts(l, ElementType.F16, x => MathF.Abs(x) is >= SmallestHalf and < 65504 ? Rounded.Truncate(x, 11) : x),
        }),
        new("cast-saturates", "copy", "A cast to f16 saturates at 65504 rather than going to infinity.", () => new()
        {
            After = l => Casts(l, ElementType.F16, x => MathF.Abs(x) > 65504 ? MathF.CopySign(65504, x) : x),
        }),
        new("cast-ties-away", "copy", "A cast to bf16 rounds ties away from zero rather than to even.", () => new()
        {
            After = l => Casts(l, ElementType.BF16, x => float.IsFinite(x)
                ? BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(x) + 0x8000) & 0xFFFF0000)
                : x),
        }),
        new("exp-by-table", "unary", "exp is 2 to the power of a multiple of 1/1024.", () => new()
        {
            After = l => Rows.EachElement(l, (y, i) => l.IsKind("exp")
                ? (float)Math.Pow(2, Math.Round(l.In(0)[i] * Math.Log2(Math.E) * 1024) / 1024)
                : y),
        }),
        new("rsqrt-estimate", "unary", "rsqrt is the machine's estimate of 12 bits without a step of Newton's.", () => new()
        {
            After = l => Rows.EachElement(l, (y, _) => l.IsKind("rsqrt") ? Rounded.Truncate(y, 12) : y),
        }),
        new("reciprocal-overflows-early", "unary binary", "1/x of a tiny x is taken as infinity although it is finite.", () => new()
        {
            After = l => Rows.EachElement(l, (y, i) =>
                (l.IsKind("reciprocal") || l.IsKind("div")) && MathF.Abs(y) is > 1e30f and < float.PositiveInfinity
                    ? float.PositiveInfinity
                    : y),
        }),
        new("sum-in-bf16", "reduce", "The sum of a reduction is held in bf16.", () => new() { After = SumInBFloat16 }),
        new("silu-overflows", "silu swiglu", "silu is x exp(x) / (1 + exp(x)), which is NaN for a large x.", () => new()
        {
            After = l => Rows.EachElement(l, (y, i) => l.In(0)[i] > 88.72 ? float.NaN : y),
        }),
        new("angles-in-bf16", "rope qk_norm_rope", "cos and sin pass through bf16.", () => new()
        {
            Before = l =>
            {
                foreach (int operand in (ReadOnlySpan<int>)[l.Op.Operands.Length - 2, l.Op.Operands.Length - 1])
                {
                    Tensor angles = l.Replace(operand);
                    for (long i = 0; i < angles.Count; i++)
                    {
                        angles[i] = Rounded.ToBFloat16(angles[i]);
                    }
                }
            },
        }),
        new("router-in-bf16", "moe_route", "The logits of the router pass through bf16.", () => new()
        {
            Before = l =>
            {
                Tensor logits = l.Replace(0);
                for (long i = 0; i < logits.Count; i++)
                {
                    logits[i] = Rounded.ToBFloat16(logits[i]);
                }
            },
        }),
        new("mask-fills-finite", "binary", "masked_fill fills with -10000 rather than -infinity.", () => new()
        {
            After = l => Rows.EachElement(l, (y, i) => l.IsKind("masked_fill") && float.IsNegativeInfinity(y) ? -10000 : y),
        }),
        new("state-through-bf16", "scatter_rows", "Rows pass through bf16 on their way into a state of another float type.", () => new()
        {
            Before = l =>
            {
                Tensor rows = l.Replace(2);
                for (long i = 0; i < rows.Count && l.Op.Operands[0].Element != ElementType.BF16; i++)
                {
                    rows[i] = Rounded.ToBFloat16(rows[i]);
                }
            },
        }),
    ];

    /// <summary>The sum of a product, term by term, each step as given.</summary>
    private static float Sum(this Product product, long a, long b, Func<float, float, float, float> add)
    {
        float sum = 0;
        for (long k = 0; k < product.Depth; k++)
        {
            sum = add(sum, product.A[a, k], product.B[b, k]);
        }

        return sum;
    }

    private static void ToInt8(Tensor x) => Rows.Each(x, (row, n) =>
    {
        float most = 0;
        for (long i = 0; i < n; i++)
        {
            most = MathF.Max(most, MathF.Abs(x[row, i]));
        }

        for (long i = 0; i < n && most > 0 && float.IsFinite(most); i++)
        {
            x[row, i] = MathF.Round(x[row, i] / most * 127) * most / 127;
        }
    });

    private static void SoftmaxWithoutMax(Tensor x, Tensor y, long row, long n)
    {
        float sum = 0;
        for (long i = 0; i < n; i++)
        {
            sum += MathF.Exp(x[row, i]);
        }

        for (long i = 0; i < n; i++)
        {
            y[row, i] = MathF.Exp(x[row, i]) / sum;
        }
    }

    private static void NormInHalf(Tensor x, Tensor y, long row, long n, double eps)
    {
        (float half, double exact) = (0, 0);
        for (long i = 0; i < n; i++)
        {
            half = Rounded.ToHalf(half + (x[row, i] * x[row, i]));
            exact += (double)x[row, i] * x[row, i];
        }

        double by = Math.Sqrt(((half / n) + eps) / ((exact / n) + eps));
        for (long i = 0; i < n; i++)
        {
            y[row, i] = (float)(y[row, i] / by);
        }
    }

    /// <summary>Where the plain exponentials lose nothing, the weights are those of softmax.</summary>
    private static void WithoutMax(double[] scores)
    {
        float sum = scores.Aggregate(0f, (total, s) => total + MathF.Exp((float)s));
        if (float.IsNormal(sum))
        {
            AttentionFormula.Softmax(scores);
            return;
        }

        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] = MathF.Exp((float)scores[i]) / sum;
        }
    }

    /// <summary>Casts the operand again, where it is f32 and goes to the type; a scatter's rows lie where their indices say.</summary>
    private static void Casts(Launch l, ElementType to, Func<float, float> cast)
    {
        bool scatters = l.Op.Name == "scatter_rows";
        Tensor y = l.Out();
        if (y.Element != to || l.Op.Operands[^1].Element != ElementType.F32 || (!scatters && l.Op.Operands.Length > 1))
        {
            return;
        }

        Tensor x = l.In(scatters ? 2 : 0);
        long row = scatters ? x.Count / x.Dims[0] : x.Count;
        for (long i = 0; i < x.Count; i++)
        {
            long at = scatters ? ((long)l.In(1)[i / row] * row) + (i % row) : i;
            y[at] = cast(x[i]);
        }
    }

    private static void SumInBFloat16(Launch l)
    {
        (Tensor x, Tensor y) = (l.In(0), l.Out());
        int axis = (int)l.Op.Attributes.Int64("axis");
        long inner = x.Dims.Skip(axis + 1).Aggregate(1L, (a, d) => a * d);
        for (long i = 0; i < y.Count && l.IsKind("sum"); i++)
        {
            (long outer, long at) = Math.DivRem(i, inner);
            float sum = 0;
            for (long j = 0; j < x.Dims[axis]; j++)
            {
                sum = Rounded.ToBFloat16(sum + x[(((outer * x.Dims[axis]) + j) * inner) + at]);
            }

            y[i] = sum;
        }
    }
}
