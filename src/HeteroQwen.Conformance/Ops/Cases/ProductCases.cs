using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>linear and matmul: depths of 1, 33, 257 and 4096, every weight type, batches, query groups, experts, strides.</summary>
internal static class ProductCases
{
    private const int Rows = 3;
    private const int Columns = 5;

    private static readonly Attributes s_f32 = new(("accumulate", "f32"));
    private static readonly int[] s_depths = [1, 33, 257, 4096];

    public static void Add(CaseList list)
    {
        AddDepths(list);
        AddTypes(list);
        AddBatches(list);
        AddExperts(list);
        AddLayouts(list);
    }

    /// <summary>
    /// Small integers whose partial sums are exact. Where int8 is declared each block of 32 holds 127, so that its scale is 1. The last
    /// of each row is never 0.
    /// </summary>
    public static double[] Probe(CaseList list, CaseRandom r, int count, int width)
    {
        Numerics numerics = Verdicts.Arithmetic.Declared(list.Capabilities, list.Precision).For("linear", "matmul");
        bool isInt8 = numerics.Operands.Kind == RoundingKind.Int8;
        double most = Math.ScaleB(1, Math.Min(numerics.AccumulateBits, 24) - 1) / width;
        int range = (int)Math.Clamp(most, 1, 3);
        double[] values = r.Values(count, x => most < 1 && x.Uniform() > most ? 0 : x.Below((2 * range) + 1) - range);
        for (int row = 0; row < count; row += width)
        {
            for (int at = 0; at < width && isInt8; at += 32)
            {
                values[row + at + r.Below(Math.Min(32, width - at))] = 127;
            }

            values[row + width - 1] = isInt8 ? 127 : 1;
        }

        return values;
    }

    private static void AddDepths(CaseList list)
    {
        foreach (int k in s_depths)
        {
            string shape = Draws.Name(Rows, k, Columns);
            OpTensor[] Probes(CaseRandom r, TensorRole role) =>
            [
                OpTensor.Of(ElementType.F32, Probe(list, r, Rows * k, k), Rows, k), Weights.Probe(ElementType.F32, r, Columns, k).As(role),
            ];
            list.Add(new("f32", shape, "dense", "integers"), Linear.Instance, Attributes.Empty, r => Probes(r, TensorRole.Constant), true);
            list.Add(new("f32", shape, "dense", "integers"), MatMul.Instance, s_f32, r => Probes(r, TensorRole.Input), true);
            foreach ((string name, Func<CaseRandom, double> draw) in Draws.Activations.Where(d => list.IsFull || k is 33 or 4096 || d.Name == "normal"))
            {
                list.Add(new("f32", shape, "dense", name), Linear.Instance, Attributes.Empty, r =>
                    [Draws.F32(r, draw, Rows, k), Weights.Random(ElementType.F32, r, Columns, k)]);
                if (list.IsFull || name is "normal" or "positive")
                {
                    list.Add(new("f32", shape, "dense", name), MatMul.Instance, s_f32, r =>
                        [Draws.F32(r, draw, Rows, k), Draws.F32(r, Draws.Normal, Columns, k)]);
                }
            }
        }
    }

    private static void AddTypes(CaseList list)
    {
        foreach (ElementType type in Weights.Types)
        {
            int[] depths = type.IsQuantized() ? [256, 4096] : list.IsFull ? s_depths : [33, 4096];
            foreach (int k in depths)
            {
                foreach (int rows in list.IsFull ? [1, 2, 7, 33] : new[] { 1, 7 })
                {
                    AddType(list, type, rows, k);
                }
            }
        }

        foreach (ElementType bias in new[] { ElementType.F32, ElementType.F16, ElementType.BF16 })
        {
            list.Add(new($"f32.bf16.{bias.Name()}", "3x257x5", "dense", "bias"), Linear.Instance, Attributes.Empty, r =>
            [
                Draws.F32(r, Draws.Normal, Rows, 257), Weights.Random(ElementType.BF16, r, Columns, 257),
                Draws.Float(bias, r, Draws.Normal, Columns).As(TensorRole.Constant),
            ]);
        }
    }

    private static void AddType(CaseList list, ElementType type, int rows, int k)
    {
        const int columns = 9;
        string shape = Draws.Name(rows, k, columns);
        string types = $"f32.{type.Name()}";
        int ranges = rows == 7 ? 3 : 1;
        list.Add(new(types, shape, "dense", "integers"), Linear.Instance, Attributes.Empty, r =>
            [OpTensor.Of(ElementType.F32, Probe(list, r, rows * k, k), rows, k), Weights.Probe(type, r, columns, k) with { Ranges = ranges }], true);
        foreach ((string name, Func<CaseRandom, double> draw) in new (string, Func<CaseRandom, double>)[]
            { ("normal", Draws.Normal), ("positive", Draws.Positive), ("1e5", Draws.Outlier) }.Where(d => list.IsFull || rows == 7 || d.Item1 == "normal"))
        {
            list.Add(new(types, shape, "dense", name), Linear.Instance, Attributes.Empty, r =>
                [Draws.F32(r, draw, rows, k), Weights.Random(type, r, columns, k) with { Ranges = ranges }]);
        }

        list.Add(new(types, shape, "dense", "normal"), MatMul.Instance, s_f32, r =>
            [Draws.F32(r, Draws.Normal, rows, k), Weights.Random(type, r, columns, k)]);
    }

    private static void AddBatches(CaseList list)
    {
        foreach ((int heads, int kvHeads) in new[] { (1, 1), (4, 4), (4, 2), (8, 1) })
        {
            foreach ((int m, int k, int n) in new[] { (1, 128, 17), (5, 33, 3), (2, 1, 64) })
            {
                string shape = $"{heads}.{kvHeads}x{Draws.Name(m, k, n)}";
                list.Add(new("f32", shape, "dense", "groups"), MatMul.Instance, s_f32, r =>
                    [Draws.F32(r, Draws.Normal, heads, m, k), Draws.F32(r, Draws.Normal, kvHeads, n, k)]);
                list.Add(new("f32", shape, "dense", "groups.integers"), MatMul.Instance, s_f32, r =>
                [
                    OpTensor.Of(ElementType.F32, Probe(list, r, heads * m * k, k), heads, m, k),
                    Weights.Probe(ElementType.F32, r, kvHeads, n, k).As(TensorRole.Input),
                ], true);
            }
        }

        foreach (ElementType a in new[] { ElementType.F16, ElementType.BF16 })
        {
            foreach (ElementType b in new[] { ElementType.F32, ElementType.F16, ElementType.BF16 })
            {
                list.Add(new($"{a.Name()}.{b.Name()}", "2x3x65x4", "dense", "normal"), MatMul.Instance, s_f32, r =>
                    [Draws.Float(a, r, Draws.Normal, 2, 3, 65), Draws.Float(b, r, Draws.Normal, 2, 4, 65)]);
            }
        }
    }

    private static void AddExperts(CaseList list)
    {
        foreach (ElementType type in Weights.Types)
        {
            int k = type.IsQuantized() ? 256 : 65;
            foreach (bool perPick in new[] { false, true })
            {
                string shape = $"{(perPick ? "4x3" : "4")}x{k}.6x7x{k}";
                Dim[] dims = perPick ? [4, 3, k] : [4, k];
                int rows = perPick ? 12 : 4;
                OpTensor Index(CaseRandom r) => Draws.Ints([.. Enumerable.Range(0, 4).SelectMany(_ => r.Order(6).Take(3))], 4, 3);
                list.Add(new($"f32.{type.Name()}", shape, "dense", "experts"), MatMul.Instance, s_f32, r =>
                    [Draws.F32(r, Draws.Normal, dims), Weights.Random(type, r, 6, 7, k) with { Ranges = 6 }, Index(r)]);
                list.Add(new($"f32.{type.Name()}", shape, "dense", "experts.integers"), MatMul.Instance, s_f32, r =>
                    [OpTensor.Of(ElementType.F32, Probe(list, r, rows * k, k), dims), Weights.Probe(type, r, 6, 7, k), Index(r)], true);
            }
        }
    }

    private static void AddLayouts(CaseList list)
    {
        (long[] A, long[] B, string Name)[] layouts =
        [
            ([37, 1], [41, 1], "padded"), ([1, 3], [1, 5], "transposed"), ([66, 2], [99, 3], "spread"), ([0, 1], [33, 1], "repeated"),
        ];
        foreach ((long[] a, long[] b, string name) in layouts)
        {
            OpTensor A(CaseRandom r)
            {
                double[] values = r.Values(Rows * 33, Draws.Normal);
                for (int i = 33; i < values.Length && name == "repeated"; i++)
                {
                    values[i] = values[i - 33];
                }

                return OpTensor.Of(ElementType.F32, values, Rows, 33).With(a);
            }

            list.Add(new("f32", "3x33x5", $"a.{name}", "normal"), MatMul.Instance, s_f32, r => [A(r), Draws.F32(r, Draws.Normal, Columns, 33)]);
            list.Add(new("f32", "3x33x5", $"b.{name}", "normal"), MatMul.Instance, s_f32, r =>
                [Draws.F32(r, Draws.Normal, Rows, 33), Draws.F32(r, Draws.Normal, Columns, 33).With(b)]);
            list.Add(new("f32", "3x33x5", $"a.{name}", "normal"), Linear.Instance, Attributes.Empty, r =>
                [A(r), Weights.Random(ElementType.F32, r, Columns, 33)]);
        }

        list.Add(new("f32", "6x33x6", "shared", "square"), MatMul.Instance, s_f32, r =>
        {
            OpTensor x = Draws.F32(r, Draws.Normal, 6, 33);
            return [x, x with { SameAs = 0 }];
        });
    }
}
