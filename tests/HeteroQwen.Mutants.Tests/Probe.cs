using HeteroQwen.Ir;

namespace HeteroQwen.Mutants.Tests;

/// <summary>One op with inputs; together they bring every fault of an op into effect.</summary>
internal sealed record Probe(OpDefinition Op, TestTensor[] Operands, Attributes? Attributes = null, Bindings Bindings = default)
{
    private const int Page = 4;

    public static IReadOnlyList<Probe> All { get; } =
    [
        Product(Linear.Instance, Floats(1, 3, 64), Floats(2, 11, 64).AsConstant()),
        Product(Linear.Instance, Floats(1, 4, 64), Floats(3, 11, 64).AsConstant()),
        new(Linear.Instance, [Floats(1, 3, 32), Floats(2, 5, 32).AsConstant(), Floats(3, 5).AsConstant()]),
        new(Linear.Instance, [Scaled(1e5f, 1, 3, 32), Floats(2, 5, 32).AsConstant()]),
        new(Linear.Instance, [Floats(1, 2, 256), TestTensor.OfBlocks(ElementType.Q4_0, 5, 1, 8, 256).AsConstant()]),
        new(Linear.Instance, [Floats(1, 2, 256), TestTensor.OfBlocks(ElementType.Q4_K, 5, 1, 8, 256).AsConstant()]),
        new(Linear.Instance, [Floats(1, 2, 256), TestTensor.OfBlocks(ElementType.Q6_K, 5, 1, 8, 256).AsConstant()]),
        Product(MatMul.Instance, Floats(1, 4, 5, 33), Floats(2, 2, 7, 33)),
        Product(MatMul.Instance, Floats(4, 4, 5, 33), Floats(2, 2, 7, 33)),
        Product(MatMul.Instance, Floats(1, 3, 16), Floats(2, 4, 5, 16), Ints(3, 4, 3, 2)),
        Binary("sub", Floats(1, 3, 7), Floats(2, 7)),
        Binary("mul", Scaled(1e-30f, 1, 3, 7), Scaled(1e-12f, 2, 3, 7)),
        Binary("div", Scaled(1e20f, 1, 3, 7), Scaled(1e-15f, 2, 3, 7)),
        Binary("le", Ints(1, 3, 5, 6), Ints(2, 3, 5, 6)),
        Binary("masked_fill", Floats(1, 2, 6), TestTensor.Of([true, false, true, true, false, true], 6)),
        new(Unary.Instance, [Floats(1, 3, 7)], new(("kind", "exp"))),
        new(Unary.Instance, [TestTensor.Of([1e-38f, 2, 3], 3)], new(("kind", "reciprocal"))),
        new(Unary.Instance, [TestTensor.Of([0.3f, 2, 3], 3)], new(("kind", "rsqrt"))),
        new(Reduce.Instance, [Floats(1, 4, 33)], new(("kind", "sum"), ("axis", 1L))),
        new(Reduce.Instance, [TestTensor.Of([-3f, -2, -1], 1, 3)], new(("kind", "max"), ("axis", 1L))),
        new(GatherRows.Instance, [Floats(1, 300, 5).AsConstant(), TestTensor.Of([0, 7, 299], 3)]),
        new(ScatterRows.Instance, [Floats(1, 32, 2, 3).AsState(), TestTensor.Of([9, 4, 20], 3), Floats(2, 3, 2, 3)]),
        new(ScatterRows.Instance, [Of(ElementType.F16, 1, 32, 5).AsState(), TestTensor.Of([9, 4], 2), Floats(2, 2, 5)]),
        Cast("f16", TestTensor.Of([1e6f, 0.1f, 1e-6f], 3)),
        Cast("bf16", TestTensor.Of([BitConverter.UInt32BitsToSingle(0x3F808000), 1e-39f], 2)),
        new(Copy.Instance, [Floats(1, 3, 4), Floats(2, 3, 4)], new(("axis", 1L), ("to", "f32"))),
        new(TopK.Instance, [TestTensor.Of([1f, 5, 5, 2], 1, 4)], new(("k", 3L))),
        new(Softmax.Instance, [Scaled(100, 1, 3, 9)]),
        new(Softmax.Instance, [Floats(1, 12, 9)]),
        new(Softmax.Instance, [Gapped(Floats(1, 12, 9))]),
        new(Silu.Instance, [TestTensor.Of([1f, -2, 100], 3)]),
        new(SwiGlu.Instance, [Floats(1, 3, 67), Floats(2, 3, 67)]),
        new(SwiGlu.Instance, [Floats(1, 2, 67), Floats(2, 2, 67)]),
        Norm(Floats(1, 3, 2, 17), 1e-2),
        Norm(Scaled(300, 1, 12, 2, 64), 1e-6),
        Norm(Scaled(1e-4f, 1, 3, 2, 17), 1e-6),
        Norm(Gapped(Floats(1, 3, 2, 17)), 1e-6),
        new(Rope.Instance, [Floats(1, 3, 2, 8), .. Angles(3, 8)]),
        new(QkNormRope.Instance, [Scaled(300, 1, 3, 2, 64), Floats(2, 64).AsConstant(), .. Angles(3, 64)], new(("eps", 1e-6))),
        new(MoeRoute.Instance, [Floats(1, 3, 8)], new(("k", 3L), ("renormalise", 1L))),
        new(MoeFfn.Instance,
        [
            Floats(1, 3, 8), Floats(2, 3, 2), TestTensor.Of([0, 1, 2, 3, 1, 2], 3, 2),
            Floats(3, 4, 5, 8).AsConstant(), Floats(4, 4, 5, 8).AsConstant(), Floats(5, 4, 8, 5).AsConstant(),
        ]),
        Attention(window: 0, scale: 0.35),
        Attention(window: 3, scale: 0.35),
        Attention(window: 0, scale: 80),
    ];

    private static Probe Product(OpDefinition op, params TestTensor[] operands) =>
        new(op, operands, op is MatMul ? new(("accumulate", "f32")) : null);

    private static Probe Binary(string kind, TestTensor a, TestTensor b) => new(Ir.Binary.Instance, [a, b], new(("kind", kind)));

    private static Probe Cast(string to, TestTensor x) => new(Copy.Instance, [x], new(("to", to)));

    private static Probe Norm(TestTensor x, double eps) =>
        new(RmsNorm.Instance, [x, Floats(2, x.Dims[^1].Constant).AsConstant()], new(("eps", eps)));

    /// <summary>Two sequences of 6 and 9 entries, with two and one tokens at their ends, in pages that lie backwards.</summary>
    private static Probe Attention(long window, double scale)
    {
        int[] table = [5, 3, 0, 4, 2, 1];
        int Slot(int sequence, int position) => (table[(sequence * 3) + (position / Page)] * Page) + (position % Page);
        (int Sequence, int Position)[] entries =
            [.. Enumerable.Range(0, 6).Select(i => (0, i)), .. Enumerable.Range(0, 9).Select(i => (1, i))];
        return new(
            Ir.Attention.Instance,
            [
                Floats(1, 3, 4, 8) with { Dims = [Dim.T, 4, 8] }, Floats(2, 24, 2, 8).AsState(), Floats(3, 24, 2, 8).AsState(),
                TestTensor.Of([0, 0, 1], Dim.T), TestTensor.Of([3, 5, 7], Dim.T),
                TestTensor.Of([0, 2, 3], Dim.BPlus1), TestTensor.Of([0, 6, 15], Dim.BPlus1), TestTensor.Of(table, Dim.B, 3),
                TestTensor.Of([.. entries.Select(e => Slot(e.Sequence, e.Position))], Dim.N),
                TestTensor.Of([.. entries.Select(e => e.Sequence)], Dim.N), TestTensor.Of([.. entries.Select(e => e.Position)], Dim.N),
            ],
            new(("page", (long)Page), ("scale", scale), ("window", window)),
            new Bindings(3, 15, 2, 1));
    }

    /// <summary>The angles of positions 0, 1, ...</summary>
    private static TestTensor[] Angles(int tokens, int length)
    {
        double Angle(int i) => (i / length) * Math.Pow(1e4, -2.0 * (i % (length / 2)) / length);
        return
        [
            TestTensor.Of([.. Enumerable.Range(0, tokens * length).Select(i => (float)Math.Cos(Angle(i)))], tokens, length),
            TestTensor.Of([.. Enumerable.Range(0, tokens * length).Select(i => (float)Math.Sin(Angle(i)))], tokens, length),
        ];
    }

    private static TestTensor Floats(int seed, params long[] dims) => Scaled(1, seed, dims);

    private static TestTensor Scaled(float scale, int seed, params long[] dims) => Of(ElementType.F32, seed, dims) is var x && scale == 1
        ? x
        : TestTensor.Of([.. x.Floats().Select(f => f * scale)], [.. x.Dims]);

    private static TestTensor Of(ElementType type, int seed, params long[] dims)
    {
        Random random = new(seed);
        float[] values = [.. Enumerable.Range(0, (int)dims.Aggregate(1L, (a, d) => a * d)).Select(_ => (random.NextSingle() * 4) - 2)];
        return TestTensor.Of(type, values, [.. dims.Select(Dim.FromInt64)]);
    }

    private static TestTensor Ints(int seed, int bound, params long[] dims)
    {
        Random random = new(seed);
        return TestTensor.Of(
            [.. Enumerable.Range(0, (int)dims.Aggregate(1L, (a, d) => a * d)).Select(_ => random.Next(bound))],
            [.. dims.Select(Dim.FromInt64)]);
    }

    /// <summary>The same elements, the rows of the last axis three elements apart.</summary>
    private static TestTensor Gapped(TestTensor dense)
    {
        int length = (int)dense.Dims[^1].Constant;
        float[] values = dense.Floats();
        float[] memory = new float[values.Length / length * (length + 3)];
        for (int i = 0; i < values.Length; i++)
        {
            memory[(i / length * (length + 3)) + (i % length)] = values[i];
        }

        long[] strides = TestTensor.DenseStrides([.. dense.Dims.Select((d, i) => d.Constant + (i == dense.Dims.Length - 1 ? 3 : 0))]);
        return TestTensor.Of(memory, memory.Length).View([.. dense.Dims], strides);
    }
}
