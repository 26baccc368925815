using System.Collections.Immutable;

namespace HeteroQwen.Mutants;

/// <summary>Kernels whose formula is wrong.</summary>
internal static class ArithmeticFaults
{
    public static ImmutableArray<Mutant> All { get; } =
    [
        new("product-drops-last-term", "matmul linear", "A product leaves out the last k.",
            () => Product.Fault((p, y, a, b) => y - (p.A[a, p.Depth - 1] * p.B[b, p.Depth - 1]))),
        new("product-element-zero", "matmul linear", "One element of a product, the last of the middle row, is zero.", () => new()
        {
            After = l => l.Out()[l.Out().Rows / 2, l.Out().Last - 1] = 0,
        }),
        new("bias-twice", "linear", "The bias of a linear is added twice.", () => new()
        {
            ReadsWeights = true,
            After = l => Rows.EachElement(l, (y, i) => l.Op.Operands.Length == 3 ? y + l.In(2)[i % l.Out().Last] : y),
        }),
        new("q4-offset-seven", "linear matmul gather_rows copy moe_ffn",
            "Q4_0 blocks are read with an offset of 7 rather than 8.", () => new()
        {
            Pack = (op, operand, bytes) => BlockFaults.EachBlock(op, operand, Ir.ElementType.Q4_0, bytes, BlockFaults.OneMore),
        }),
        new("q6-high-bits-lost", "linear matmul gather_rows copy moe_ffn", "The high bits of Q6_K are taken as zero.", () => new()
        {
            Pack = (op, operand, bytes) => BlockFaults.EachBlock(op, operand, Ir.ElementType.Q6_K, bytes, b => b.Slice(128, 64).Clear()),
        }),
        new("q4k-min-ignored", "linear matmul gather_rows copy moe_ffn", "The minima of Q4_K are taken as zero.", () => new()
        {
            Pack = (op, operand, bytes) => BlockFaults.EachBlock(op, operand, Ir.ElementType.Q4_K, bytes, b => b.Slice(2, 2).Clear()),
        }),
        new("norm-divides-by-n-minus-one", "rms_norm qk_norm_rope", "RMSNorm divides the sum of squares by n - 1.", () => Rows.Scaled(
            (x, eps, n) => Math.Sqrt(((x / n) + eps) / ((x / Math.Max(1, n - 1)) + eps)))),
        new("norm-eps-ignored", "rms_norm qk_norm_rope", "RMSNorm ignores eps.", () => Descriptors.Takes("eps", _ => 0.0)),
        new("norm-eps-tenfold", "rms_norm qk_norm_rope", "RMSNorm takes eps ten times too large.",
            () => Descriptors.Takes("eps", op => 10 * op.Attributes.Float64("eps"))),
        new("norm-eps-outside-root", "rms_norm qk_norm_rope", "RMSNorm adds eps to the root rather than beneath it.", () => Rows.Scaled(
            (x, eps, n) => x == 0 ? 1 : Math.Sqrt((x / n) + eps) / (Math.Sqrt(x / n) + eps))),
        new("norm-subtracts-mean", "rms_norm", "RMSNorm subtracts the mean first, as layer norm does.", () => new()
        {
            Before = l =>
            {
                Tensor x = l.Replace(0);
                Rows.Each(x, (row, n) =>
                {
                    double mean = 0;
                    for (long i = 0; i < n; i++)
                    {
                        mean += x[row, i] / n;
                    }

                    for (long i = 0; i < n; i++)
                    {
                        x[row, i] -= (float)mean;
                    }
                });
            },
        }),
        new("silu-as-gelu", "silu swiglu", "silu is the fast form of gelu, x sigmoid(1.702 x).", () => new()
        {
            After = l => Rows.EachElement(l, (_, i) =>
            {
                double x = l.In(0)[i];
                return (float)(x / (1 + Math.Exp(-1.702 * x)) * (l.Op.Operands.Length == 2 ? l.In(1)[i] : 1));
            }),
        }),
        new("swiglu-exchanged", "swiglu", "swiglu takes silu of the second operand rather than the first.", () => new()
        {
            After = l => Rows.EachElement(l, (_, i) => (float)(l.In(0)[i] * (l.In(1)[i] / (1 + Math.Exp(-(double)l.In(1)[i]))))),
        }),
        new("softmax-sum-misses-last", "softmax", "The sum of softmax leaves out the last element.", () => new()
        {
            After = l =>
            {
                Tensor y = l.Out();
                Rows.Each(y, (row, n) =>
                {
                    float kept = 1 - y[row, n - 1];
                    for (long i = 0; i < n && n > 1; i++)
                    {
                        y[row, i] /= kept;
                    }
                });
            },
        }),
        new("attention-scale-d-plus-one", "attention", "The scale of attention is 1/sqrt(D + 1).", () => Descriptors.Takes(
            "scale",
            op => op.Attributes.Float64("scale") * Math.Sqrt(op.Operands[0].Dims[2].Constant / (op.Operands[0].Dims[2].Constant + 1.0)))),
        new("rope-pairs-neighbours", "rope", "rope turns neighbours rather than the halves.", () => new()
        {
            After = l => Rows.EachElement(l, (_, i) => Neighbours(l, i)),
        }),
        new("rope-turns-backwards", "rope qk_norm_rope", "rope turns by minus the angle.", () => new()
        {
            Before = l =>
            {
                Tensor sin = l.Replace(l.Op.Operands.Length - 1);
                for (long i = 0; i < sin.Count; i++)
                {
                    sin[i] = -sin[i];
                }
            },
        }),
        new("router-forgets-to-renormalise", "moe_route", "The router's weights are not divided by their sum.",
            () => Descriptors.Takes("renormalise", _ => 0L)),
        new("expert-weights-ignored", "moe_ffn", "Experts are averaged, whatever their weights.", () => new()
        {
            Before = l =>
            {
                Tensor weights = l.Replace(1);
                for (long i = 0; i < weights.Count; i++)
                {
                    weights[i] = 1f / weights.Last;
                }
            },
        }),
        new("sub-reversed", "binary", "sub gives b - a.", () => new()
        {
            After = l => Rows.EachElement(l, (y, _) => l.IsKind("sub") ? -y : y),
        }),
        new("max-starts-at-zero", "reduce", "The largest of a row is sought from 0 on, so that it is never negative.", () => new()
        {
            After = l => Rows.EachElement(l, (y, _) => l.IsKind("max") ? MathF.Max(y, 0) : y),
        }),
    ];

    private static float Neighbours(Launch l, long i)
    {
        (Tensor x, Tensor cos, Tensor sin) = (l.In(0), l.In(1), l.In(2));
        (long row, long d) = Math.DivRem(i, x.Last);
        long token = row / x.Dims[1];
        float other = d % 2 == 0 ? -x[i + 1] : x[i - 1];
        return (x[i] * cos[token, d / 2]) + (other * sin[token, d / 2]);
    }
}
