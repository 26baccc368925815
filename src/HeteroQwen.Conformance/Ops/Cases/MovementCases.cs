using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>copy, gather_rows, scatter_rows and top_k: nothing is computed, so every bit counts.</summary>
internal static class MovementCases
{
    private static readonly ElementType[] s_floats = [ElementType.F32, ElementType.F16, ElementType.BF16];
    private static readonly ElementType[] s_states = [.. s_floats, ElementType.Q8_0];

    public static void Add(CaseList list)
    {
        AddCasts(list);
        AddLayouts(list);
        AddGather(list);
        AddScatter(list);
        AddTopK(list);
    }

    private static Attributes To(ElementType type) => new(("to", type.Name()));

    private static Attributes Join(int axis, ElementType type) => new(("axis", (long)axis), ("to", type.Name()));

    /// <summary>Values at which casts go wrong: ties, subnormals, overflow, infinities.</summary>
    private static double Hard(CaseRandom r) => r.Below(10) switch
    {
        0 => 65504 + (r.Below(40) * 2),
        1 => r.Normal() * 6e-8,
        2 => 1 + ((2 * r.Below(64) + 1) * Math.ScaleB(1, -11)),
        3 => 1 + ((2 * r.Below(64) + 1) * Math.ScaleB(1, -8)),
        4 => r.Below(2) == 0 ? double.PositiveInfinity : double.NegativeInfinity,
        5 => -0.0,
        6 => 3.3e38 * r.Uniform(),
        7 => r.Below(9) == 0 ? double.NaN : 1e-40 * r.Uniform(),
        _ => r.Normal(),
    };

    private static void AddCasts(CaseList list)
    {
        foreach (ElementType from in s_floats)
        {
            foreach (ElementType to in s_floats)
            {
                foreach ((string name, Func<CaseRandom, double> draw) in new (string, Func<CaseRandom, double>)[] { ("normal", Draws.Normal), ("hard", Hard) })
                {
                    list.Add(new($"{from.Name()}.{to.Name()}", "5x67", "dense", name), Copy.Instance, To(to), r => [Draws.Float(from, r, draw, 5, 67)]);
                }
            }
        }

        foreach (ElementType from in Weights.Types.Where(t => t.IsQuantized()))
        {
            foreach (ElementType to in s_floats)
            {
                list.Add(new($"{from.Name()}.{to.Name()}", "3x512", "dense", "blocks"), Copy.Instance, To(to), r => [Weights.Random(from, r, 3, 512)]);
            }
        }
    }

    private static void AddLayouts(CaseList list)
    {
        (string Name, long[] Strides, int Skip)[] layouts =
        [
            ("padded", [37, 9, 1], 0), ("transposed", [1, 3, 12], 0), ("odd", [61, 15, 1], 3), ("spread", [97, 24, 3], 1), ("swapped", [7, 28, 1], 0),
        ];
        foreach (ElementType type in new[] { ElementType.F32, ElementType.F16, ElementType.I32, ElementType.I8, ElementType.Bool })
        {
            Func<CaseRandom, double> draw = type.IsFloat() ? Draws.Normal : r => r.Below(2);
            list.Add(new(type.Name(), "3x4x7", "dense", "same"), Copy.Instance, To(type), r => [Draws.Float(type, r, draw, 3, 4, 7)]);
            foreach ((string name, long[] strides, int skip) in layouts)
            {
                list.Add(new(type.Name(), "3x4x7", name, "same"), Copy.Instance, To(type), r =>
                    [Draws.Float(type, r, draw, 3, 4, 7).With(strides) with { Skip = skip }]);
            }
        }

        for (int axis = 0; axis < 3; axis++)
        {
            int joined = axis;
            Dim[] Dims(int size) => [joined == 0 ? size : 3, joined == 1 ? size : 4, joined == 2 ? size : 6];
            list.Add(new("f32", $"3x4x6.{axis}", "dense", "concat"), Copy.Instance, Join(axis, ElementType.F32), r =>
                [Draws.F32(r, Draws.Normal, Dims(2)), Draws.F32(r, Draws.Normal, Dims(1)), Draws.F32(r, Draws.Normal, Dims(5))]);
            list.Add(new("f32.f16", $"3x4x6.{axis}", "dense", "concat"), Copy.Instance, Join(axis, ElementType.F16), r =>
                [Draws.F32(r, Hard, Dims(2)), Draws.F32(r, Draws.Normal, Dims(1))]);
            list.Add(new("f32", $"3x4x6.{axis}", "dense", "concat_equal"), Copy.Instance, Join(axis, ElementType.F32), r =>
                [Draws.F32(r, Draws.Normal, Dims(2)), Draws.F32(r, Draws.Normal, Dims(2))]);
            list.Add(new("f32", $"3x4x6.{axis}", "shared", "concat"), Copy.Instance, Join(axis, ElementType.F32), r =>
            {
                OpTensor x = Draws.F32(r, Draws.Normal, Dims(2));
                return [x, x with { SameAs = 0 }];
            });
        }
    }

    private static void AddGather(CaseList list)
    {
        foreach (ElementType type in Weights.Types)
        {
            foreach ((string name, int[] index, Dim[] dims) in new (string, int[], Dim[])[]
                { ("one", [4], [1]), ("last", [8, 0, 8, 3, 3], [5]), ("matrix", [1, 2, 0, 7, 8, 5], [2, 3]) })
            {
                list.Add(new(type.Name(), $"9x256.{Draws.Name(dims)}", "dense", name), GatherRows.Instance, Attributes.Empty, r =>
                    [Weights.Random(type, r, 9, 256) with { Ranges = 3 }, Draws.Ints(index, dims)]);
            }
        }

        foreach (ElementType type in s_states)
        {
            list.Add(new(type.Name(), "8x2x32.5", "dense", "state"), GatherRows.Instance, Attributes.Empty, r =>
                [Draws.Float(type, r, Draws.Normal, 8, 2, 32).As(TensorRole.State), Draws.Ints([7, 0, 3, 3, 1], 5)]);
        }

        list.Add(new("f32", "5x33.3", "dense", "result"), GatherRows.Instance, Attributes.Empty, r =>
            [Draws.F32(r, Draws.Normal, 5, 33).As(TensorRole.Result), Draws.Ints([4, 0, 4], 3)]);
        list.Add(new("f32", "5x33.3", "padded", "result"), GatherRows.Instance, Attributes.Empty, r =>
            [Draws.F32(r, Draws.Normal, 5, 33).With(40, 1), Draws.Ints([4, 0, 4], 3)]);
    }

    private static void AddScatter(CaseList list)
    {
        foreach (ElementType type in s_states)
        {
            foreach (int count in new[] { 1, 4, 9 })
            {
                foreach ((string name, Func<CaseRandom, double> draw) in new (string, Func<CaseRandom, double>)[] { ("normal", Draws.Normal), ("mixed", Draws.Mixed) })
                {
                    list.Add(new(type.Name(), $"9x2x64.{count}", "dense", name), ScatterRows.Instance, Attributes.Empty, r =>
                    [
                        Draws.Float(type, r, Draws.Normal, 9, 2, 64).As(TensorRole.State), Draws.Ints(r.Order(9)[..count], count),
                        Draws.F32(r, draw, count, 2, 64),
                    ]);
                }
            }
        }
    }

    private static void AddTopK(CaseList list)
    {
        foreach ((int width, int k) in new[] { (1, 1), (7, 7), (128, 8), (33, 2), (18992, 1) })
        {
            foreach ((string name, Func<CaseRandom, double> draw) in new (string, Func<CaseRandom, double>)[]
            {
                ("normal", Draws.Normal), ("ties", r => r.Below(3)), ("equal", _ => 1.5), ("masked", r => r.Below(2) == 0 ? double.NegativeInfinity : r.Normal()),
                ("nan", r => r.Below(4) == 0 ? double.NaN : r.Normal()),
            })
            {
                list.Add(new("f32", $"3x{width}.{k}", "dense", name), TopK.Instance, new(("k", (long)k)), r => [Draws.F32(r, draw, 3, width)]);
            }
        }

        list.Add(new("f32", "3x33.5", "padded", "normal"), TopK.Instance, new(("k", 5L)), r => [Draws.F32(r, Draws.Normal, 3, 33).With(40, 1)]);
    }
}
