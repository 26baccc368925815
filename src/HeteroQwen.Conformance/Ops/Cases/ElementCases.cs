using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>binary, unary and reduce.</summary>
internal static class ElementCases
{
    private static readonly string[] s_arithmetic = ["add", "sub", "mul", "div", "min", "max", "eq", "lt", "le"];

    /// <summary>Right-aligned broadcasting, in pairs of shapes.</summary>
    private static readonly (Dim[] A, Dim[] B)[] s_shapes =
    [
        ([7], [7]), ([3, 33], [3, 33]), ([3, 33], [33]), ([3, 33], [3, 1]), ([1, 33], [5, 1]), ([2, 3, 1, 8], [3, 4, 1]), ([257], [1]),
    ];

    public static void Add(CaseList list)
    {
        foreach (string kind in s_arithmetic)
        {
            AddArithmetic(list, kind);
        }

        AddMasks(list);
        AddUnary(list);
        AddReduce(list);
    }

    /// <summary>Values that often coincide, so that ties, equalities and both zeros occur.</summary>
    private static double Coarse(CaseRandom r) => r.Below(8) switch
    {
        0 => 0.0,
        1 => -0.0,
        _ => (r.Below(9) - 4) / 2.0,
    };

    private static void AddArithmetic(CaseList list, string kind)
    {
        Attributes attributes = new(("kind", kind));
        Func<CaseRandom, double> divisor = kind == "div" ? r => r.Normal() + Math.CopySign(0.1, r.Normal()) : Draws.Normal;
        foreach ((Dim[] a, Dim[] b) in kind == "mul" || list.IsFull ? s_shapes : s_shapes[2..5])
        {
            string shape = $"{Draws.Name(a)}.{Draws.Name(b)}";
            list.Add(new("f32", shape, "dense", $"{kind}.normal"), Binary.Instance, attributes, r =>
                [Draws.F32(r, Draws.Normal, a), Draws.F32(r, divisor, b)]);
        }

        foreach ((string name, Func<CaseRandom, double> draw) in Draws.Activations.Where(d => d.Name == "mixed" || (list.IsFull && d.Name is "tiny" or "1e5")))
        {
            list.Add(new("f32", "3x33.3x33", "dense", $"{kind}.{name}"), Binary.Instance, attributes, r =>
                [Draws.F32(r, draw, 3, 33), Draws.F32(r, divisor, 3, 33)]);
        }

        if (kind != "div")
        {
            list.Add(new("f32", "3x33.3x33", "dense", $"{kind}.ties"), Binary.Instance, attributes, r =>
                [Draws.F32(r, Coarse, 3, 33), Draws.F32(r, Coarse, 3, 33)]);
            list.Add(new("i32", "3x33.1x33", "dense", $"{kind}.integers"), Binary.Instance, attributes, r =>
                [Draws.Ints(Integers(r, 99), 3, 33), Draws.Ints(Integers(r, 33), 1, 33)]);
            list.Add(new("i32", "33", "dense", $"{kind}.immediate"), Binary.Instance, new(("kind", kind), ("rhs", 3.0)), r =>
                [Draws.Ints(Integers(r, 33), 33)]);
        }

        list.Add(new("f32", "3x33", "dense", $"{kind}.rhs"), Binary.Instance, new(("kind", kind), ("rhs", 0.1)), r => [Draws.F32(r, Draws.Normal, 3, 33)]);
        list.Add(new("f32", "3x33", "dense", $"{kind}.lhs"), Binary.Instance, new(("kind", kind), ("lhs", 0.1)), r => [Draws.F32(r, divisor, 3, 33)]);
        list.Add(new("f32", "3x33.3x33", "transposed", $"{kind}.normal"), Binary.Instance, attributes, r =>
            [Draws.F32(r, Draws.Normal, 3, 33).With(1, 3), Draws.F32(r, divisor, 3, 33).With(70, 2)]);
        list.Add(new("f32", "3x33.3x33", "shared", $"{kind}.same"), Binary.Instance, attributes, r =>
        {
            OpTensor x = Draws.F32(r, divisor, 3, 33);
            return [x, x with { SameAs = 0 }];
        });
    }

    private static int[] Integers(CaseRandom r, int count) => [.. Enumerable.Range(0, count).Select(_ => r.Below(9) - 4)];

    private static void AddMasks(CaseList list)
    {
        static OpTensor Mask(CaseRandom r, params Dim[] dims) =>
            OpTensor.Of(ElementType.Bool, r.Values(Draws.Count(dims), x => x.Below(2)), dims);
        foreach ((Dim[] a, Dim[] b) in s_shapes)
        {
            string shape = $"{Draws.Name(a)}.{Draws.Name(b)}";
            list.Add(new("bool", shape, "dense", "and"), Binary.Instance, new(("kind", "and")), r => [Mask(r, a), Mask(r, b)]);
            list.Add(new("f32.bool", shape, "dense", "masked_fill"), Binary.Instance, new(("kind", "masked_fill")), r =>
                [Draws.F32(r, Draws.Normal, a), Mask(r, b)]);
        }
    }

    private static void AddUnary(CaseList list)
    {
        (string Kind, string Name, Func<CaseRandom, double> Draw)[] probes =
        [
            ("neg", "normal", Draws.Normal), ("neg", "ties", Coarse),
            ("exp", "normal", Draws.Normal), ("exp", "wide", r => (160 * r.Uniform()) - 80), ("exp", "near0", r => r.Normal() * 1e-4),
            ("exp", "deep", r => -100 * r.Uniform()), ("exp", "overflow", r => 90 + r.Uniform()), ("exp", "masked", _ => double.NegativeInfinity),
            ("rsqrt", "positive", Draws.Positive), ("rsqrt", "tiny", r => Math.Abs(Draws.Tiny(r))), ("rsqrt", "huge", r => Math.Abs(Draws.Huge(r))),
            ("rsqrt", "eps", r => 1e-6 + (1e-7 * r.Uniform())),
            ("reciprocal", "normal", r => r.Normal() + Math.CopySign(0.01, r.Normal())), ("reciprocal", "huge", Draws.Huge),
            ("reciprocal", "tiny", r => 1e-30 + Math.Abs(Draws.Tiny(r))), ("reciprocal", "zero", _ => 0),
            ("reciprocal", "edge", r => Math.ScaleB(1 + r.Uniform(), r.Below(6) - 126)),
        ];
        foreach ((string kind, string name, Func<CaseRandom, double> draw) in probes)
        {
            Attributes attributes = new(("kind", kind));
            foreach (Dim[] dims in list.IsFull ? [[1], [3, 33], [2, 3, 65]] : new Dim[][] { [2, 3, 65] })
            {
                list.Add(new("f32", Draws.Name(dims), "dense", $"{kind}.{name}"), Unary.Instance, attributes, r => [Draws.F32(r, draw, dims)]);
            }

            if (!list.IsFull && name is not ("normal" or "positive"))
            {
                continue;
            }

            list.Add(new("f32", "3x33", "transposed", $"{kind}.{name}"), Unary.Instance, attributes, r => [Draws.F32(r, draw, 3, 33).With(1, 3)]);
        }
    }

    private static void AddReduce(CaseList list)
    {
        (Dim[] Dims, int Axis)[] shapes =
            [([1], 0), ([5, 1], 1), ([3, 33], 1), ([3, 33], 0), ([3, 257], 1), ([2, 4096], 1), ([2, 8, 5], 1), ([4, 3, 2, 5], 0), ([2, 151936 / 8], 1)];
        foreach ((Dim[] dims, int axis) in shapes)
        {
            foreach (string kind in new[] { "sum", "max" })
            {
                Attributes attributes = new(("kind", kind), ("axis", (long)axis));
                foreach ((string name, Func<CaseRandom, double> draw) in Draws.Activations.Where(d => d.Name == "normal" || (list.IsFull && d.Name is "positive" or "mixed")))
                {
                    list.Add(new("f32", $"{Draws.Name(dims)}.{axis}", "dense", $"{kind}.{name}"), Reduce.Instance, attributes, r =>
                        [Draws.F32(r, draw, dims)]);
                }

                list.Add(new("f32", $"{Draws.Name(dims)}.{axis}", "dense", $"{kind}.integers"), Reduce.Instance, attributes, r =>
                    [OpTensor.Of(ElementType.F32, ProductCases.Probe(list, r, (int)Draws.Count(dims), (int)dims[axis].Constant), dims)], true);
            }
        }

        foreach (string kind in new[] { "sum", "max" })
        {
            Attributes attributes = new(("kind", kind), ("axis", 1L));
            list.Add(new("f32", "3x33.1", "transposed", $"{kind}.normal"), Reduce.Instance, attributes, r => [Draws.F32(r, Draws.Normal, 3, 33).With(1, 3)]);
            list.Add(new("f32", "3x33.1", "padded", $"{kind}.normal"), Reduce.Instance, attributes, r => [Draws.F32(r, Draws.Normal, 3, 33).With(40, 1)]);
            list.Add(new("f32", "3x33.1", "dense", $"{kind}.masked"), Reduce.Instance, attributes, r =>
                [Draws.F32(r, x => kind == "max" && x.Below(3) > 0 ? double.NegativeInfinity : x.Normal(), 3, 33)]);
        }
    }
}
