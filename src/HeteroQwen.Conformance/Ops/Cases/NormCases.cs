using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>rms_norm, rope, qk_norm_rope, softmax, silu and swiglu.</summary>
internal static class NormCases
{
    private const double Eps = 1e-6;

    private static readonly int[] s_positions = [0, 1, 4095, 30001];

    public static void Add(CaseList list)
    {
        AddRmsNorm(list);
        AddRope(list);
        AddSoftmax(list);
        AddSilu(list);
    }

    /// <summary>cos and sin of the angles of positions, halves repeated, as a model's host computes them.</summary>
    public static (OpTensor Cos, OpTensor Sin) Angles(IReadOnlyList<int> positions, int width, Dim rows, double theta = 1e6)
    {
        double[] angles = new double[positions.Count * width];
        for (int i = 0; i < angles.Length; i++)
        {
            int pair = i % width % (width / 2);
            angles[i] = positions[i / width] * Math.Pow(theta, -2.0 * pair / width);
        }

        return (
            OpTensor.Of(ElementType.F32, [.. angles.Select(Math.Cos)], rows, width),
            OpTensor.Of(ElementType.F32, [.. angles.Select(Math.Sin)], rows, width));
    }

    private static void AddRmsNorm(CaseList list)
    {
        (string Name, Func<CaseRandom, double> Draw)[] draws =
        [
            .. Draws.Activations.Where(d => d.Name is not ("huge" or "tiny")),
            ("eps", r => r.Normal() * 1e-3), ("under_eps", r => r.Normal() * 1e-5), ("1e12", r => r.Normal() * 1e12),
        ];
        foreach (int width in new[] { 1, 2, 33, 128, 1024 })
        {
            foreach ((string name, Func<CaseRandom, double> draw) in draws)
            {
                list.Add(new("f32.f32", $"4x{width}", "dense", name), RmsNorm.Instance, new(("eps", Eps)), r =>
                    [Draws.F32(r, draw, 4, width), Draws.F32(r, Draws.Normal, width).As(Backends.TensorRole.Constant)]);
            }
        }

        foreach (ElementType type in new[] { ElementType.F16, ElementType.BF16 })
        {
            list.Add(new($"f32.{type.Name()}", "2x3x64", "dense", "normal"), RmsNorm.Instance, new(("eps", Eps)), r =>
                [Draws.F32(r, Draws.Normal, 2, 3, 64), Draws.Float(type, r, Draws.Normal, 64).As(Backends.TensorRole.Constant)]);
        }

        list.Add(new("f32.f32", "4x33", "padded", "normal"), RmsNorm.Instance, new(("eps", Eps)), r =>
            [Draws.F32(r, Draws.Normal, 4, 33).With(50, 1), Draws.F32(r, Draws.Normal, 33).As(Backends.TensorRole.Constant)]);
        list.Add(new("f32.f32", "4x2", "dense", "eps0"), RmsNorm.Instance, new(("eps", 0.0)), r =>
            [Draws.F32(r, Draws.Positive, 4, 2), Draws.F32(r, Draws.Normal, 2).As(Backends.TensorRole.Constant)]);
    }

    private static void AddRope(CaseList list)
    {
        foreach ((int heads, int width) in new[] { (1, 2), (3, 16), (2, 128) })
        {
            (OpTensor cos, OpTensor sin) = Angles(s_positions, width, s_positions.Length);
            string shape = $"4x{heads}x{width}";
            foreach ((string name, Func<CaseRandom, double> draw) in Draws.Activations.Where(d => d.Name is "normal" or "mixed" or "1e5" or "zero"))
            {
                list.Add(new("f32", shape, "dense", $"positions.{name}"), Rope.Instance, Attributes.Empty, r =>
                    [Draws.F32(r, draw, 4, heads, width), cos, sin]);
                list.Add(new("f32.f32", shape, "dense", $"positions.{name}"), QkNormRope.Instance, new(("eps", Eps)), r =>
                    [Draws.F32(r, draw, 4, heads, width), Draws.F32(r, Draws.Normal, width).As(Backends.TensorRole.Constant), cos, sin]);
            }

            list.Add(new("f32.bf16", shape, "dense", "positions.eps"), QkNormRope.Instance, new(("eps", Eps)), r =>
            [
                Draws.F32(r, x => x.Normal() * 1e-3, 4, heads, width),
                Draws.Float(ElementType.BF16, r, Draws.Normal, width).As(Backends.TensorRole.Constant), cos, sin,
            ]);
            list.Add(new("f32", shape, "heads_first", "positions.normal"), Rope.Instance, Attributes.Empty, r =>
                [Draws.F32(r, Draws.Normal, 4, heads, width).With(width, 4 * width, 1), cos, sin]);
        }
    }

    private static void AddSoftmax(CaseList list)
    {
        // The last element is large in the first row, so that a softmax that leaves it out is seen whatever the spread.
        static double[] Peaked(CaseRandom r, int width, double spread)
        {
            double[] values = r.Values(4 * width, x => x.Normal() * spread);
            values[width - 1] = values[..width].Max();
            return values;
        }

        foreach (int width in new[] { 1, 2, 33, 257, 4096 })
        {
            foreach ((string name, double spread) in new[] { ("x1", 1.0), ("x30", 30.0), ("equal", 0.0), ("1e5", 1e5) })
            {
                list.Add(new("f32", $"4x{width}", "dense", name), Softmax.Instance, Attributes.Empty, r =>
                    [OpTensor.Of(ElementType.F32, Peaked(r, width, spread), 4, width)]);
            }

            list.Add(new("f32", $"4x{width}", "dense", "masked"), Softmax.Instance, Attributes.Empty, r =>
            {
                double[] values = Peaked(r, width, 1);
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = i % width < width - 1 && r.Below(2) == 0 ? double.NegativeInfinity : values[i];
                }

                return [OpTensor.Of(ElementType.F32, values, 4, width)];
            });
            list.Add(new("f32", $"4x{width}", "dense", "far"), Softmax.Instance, Attributes.Empty, r =>
                [OpTensor.Of(ElementType.F32, [.. Peaked(r, width, 1).Select((v, i) => v + (i / width % 2 == 0 ? 1e4 : -1e4))], 4, width)]);
        }

        list.Add(new("f32", "2x3x33", "padded", "x1"), Softmax.Instance, Attributes.Empty, r => [Draws.F32(r, Draws.Normal, 2, 3, 33).With(160, 40, 1)]);
    }

    private static void AddSilu(CaseList list)
    {
        (string Name, Func<CaseRandom, double> Draw)[] draws =
        [
            .. Draws.Activations.Where(d => d.Name is not ("huge" or "tiny" or "mixed")), ("wide", r => (160 * r.Uniform()) - 80),
            ("near0", r => r.Normal() * 1e-6),
        ];
        foreach ((string name, Func<CaseRandom, double> draw) in draws)
        {
            foreach (int width in new[] { 1, 33, 768 })
            {
                list.Add(new("f32", $"3x{width}", "dense", name), Silu.Instance, Attributes.Empty, r => [Draws.F32(r, draw, 3, width)]);
                list.Add(new("f32", $"3x{width}", "dense", name), SwiGlu.Instance, Attributes.Empty, r =>
                    [Draws.F32(r, draw, 3, width), Draws.F32(r, Draws.Normal, 3, width)]);
            }
        }

        list.Add(new("f32", "3x33", "transposed", "normal"), SwiGlu.Instance, Attributes.Empty, r =>
            [Draws.F32(r, Draws.Normal, 3, 33).With(1, 3), Draws.F32(r, Draws.Normal, 3, 33).With(66, 2)]);
        list.Add(new("f32", "3x33", "shared", "normal"), SwiGlu.Instance, Attributes.Empty, r =>
        {
            OpTensor x = Draws.F32(r, Draws.Normal, 3, 33);
            return [x, x with { SameAs = 0 }];
        });
    }
}
