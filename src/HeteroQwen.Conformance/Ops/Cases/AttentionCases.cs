using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>attention over the paged pool: 1, 2 and 3 entries, far positions, page edges, batches, shared pages, windows, every state type.</summary>
internal static class AttentionCases
{
    private static readonly ElementType[] s_states = [ElementType.F32, ElementType.F16, ElementType.BF16, ElementType.Q8_0];

    public static void Add(CaseList list)
    {
        int page = list.Capabilities.PageSize;
        (string Name, (int, int)[] Sequences, int Window)[] steps =
        [
            ("kv1", [(0, 1)], 0), ("kv2", [(1, 1)], 0), ("kv3", [(2, 1)], 0), ("prefill3", [(0, 3)], 0), ("prefill33", [(0, 33)], 0),
            ("edge-1", [(page - 2, 1)], 0), ("edge", [(page - 1, 1)], 0), ("edge+1", [(page, 1)], 0), ("over_edge", [(page - 3, 7)], 0),
            ("batch", [(5, 1), (0, 4), (page + 3, 1), (1, 2)], 0), ("decode", [(9, 1), (40, 1), (0, 1)], 0),
            ("window1", [(9, 3)], 1), ("window4", [(page - 2, 6)], 4), ("window_batch", [(30, 2), (3, 3)], 16), ("q4095", [(4095, 1)], 0),
        ];
        foreach ((string name, (int, int)[] sequences, int window) in steps)
        {
            AddOne(list, name, new(sequences, 0, window), new(4, 2, 16));
        }

        AddOne(list, "shared", new([((2 * page) + 3, 2), ((2 * page) + 1, 3), (page + 5, 1)], 2, 0), new(4, 2, 16));
        AddOne(list, "q30001", new([(30001, 1)], 0, 0), new(2, 1, 8));
        AddOne(list, "q30001.window", new([(30001, 1)], 0, 128), new(2, 1, 8));
        foreach (ElementType type in s_states)
        {
            foreach ((int heads, int kvHeads, int width) in new[] { (1, 1, 2), (4, 1, 32), (6, 3, 64), (2, 2, 128) })
            {
                if (width % type.BlockElements() == 0)
                {
                    AddOne(list, "mixture", new([(7, 9), (page, 1)], 0, 0), new(heads, kvHeads, width) { Type = type });
                }
            }
        }

        foreach ((string name, Func<CaseRandom, double> q, Func<CaseRandom, double> k, Func<CaseRandom, double> v) in Inputs())
        {
            AddOne(list, name, new([(20, 17)], 0, 0), new(4, 2, 16) { Q = q, K = k, V = v });
        }
    }

    private static (string, Func<CaseRandom, double>, Func<CaseRandom, double>, Func<CaseRandom, double>)[] Inputs() =>
    [
        ("x30", r => 30 * r.Normal(), Draws.Normal, Draws.Normal),

        // Scores near 256, close together: e to their power is no f32, so the largest has to be taken off first.
        ("scores256", r => 8 + (r.Normal() / 4), r => 8 + (r.Normal() / 4), Draws.Normal),
        ("v1e5", Draws.Normal, Draws.Normal, Draws.Outlier),
        ("equal", Draws.Zero, Draws.Normal, Draws.Normal), ("positive", Draws.Positive, Draws.Positive, Draws.Positive),
        ("v_tiny", Draws.Normal, Draws.Normal, Draws.Tiny), ("v_zero", Draws.Normal, Draws.Normal, Draws.Zero),
    ];

    private static void AddOne(CaseList list, string name, Step step, Heads heads)
    {
        int page = list.Capabilities.PageSize;
        Attributes attributes = new(("page", (long)page), ("scale", 1 / Math.Sqrt(heads.Width)), ("window", (long)step.Window));
        Bindings bindings = new KvStep(new CaseRandom(name, 0), page, step.Sequences, step.SharedPages).Bindings;
        OpTensor[] Make(CaseRandom r)
        {
            KvStep kv = new(r, page, step.Sequences, step.SharedPages);
            double[] q = r.Values(bindings.T * heads.Query * heads.Width, heads.Q);
            return
            [
                OpTensor.Of(ElementType.F32, q, Dim.T, heads.Query, heads.Width), kv.State(r, heads.Type, heads.Kv, heads.Width, heads.K),
                kv.State(r, heads.Type, heads.Kv, heads.Width, heads.V), .. kv.Index(),
            ];
        }

        string shape = $"{bindings.T}t{bindings.N}n{bindings.B}b.{heads.Query}h{heads.Kv}kv{heads.Width}d";
        list.Add(new($"f32.{heads.Type.Name()}", shape, "dense", name), new OpSpec(Attention.Instance, attributes, bindings, Make));
        if (name is "prefill33" or "batch")
        {
            list.Add(new($"f32.{heads.Type.Name()}", shape, "heads_first", name), new OpSpec(Attention.Instance, attributes, bindings, r =>
            {
                OpTensor[] operands = Make(r);
                operands[0] = operands[0].With(heads.Width, heads.Width * bindings.T, 1);
                return operands;
            }));
        }
    }

    private sealed record Step((int Past, int Tokens)[] Sequences, int SharedPages, int Window);

    private sealed record Heads(int Query, int Kv, int Width)
    {
        public ElementType Type { get; init; } = ElementType.F32;

        public Func<CaseRandom, double> Q { get; init; } = Draws.Normal;

        public Func<CaseRandom, double> K { get; init; } = Draws.Normal;

        public Func<CaseRandom, double> V { get; init; } = Draws.Normal;
    }
}
