using HeteroQwen.Ir;
using HeteroQwen.Runtime;
using static HeteroQwen.Conformance.RuntimeBench;

namespace HeteroQwen.Conformance;

/// <summary>Dimensions of 0, through the runtime: no kernel is launched for them, and no empty copy, fill or buffer is asked for.</summary>
internal static class EmptyCases
{
    public static IEnumerable<ConformanceCase> All() =>
    [
        new RuntimeCase("empty/no-rows", bench => Run(bench, NoRows(), launches: 0, rows: 0)),
        new RuntimeCase("empty/some-rows", bench => Run(bench, NoRows(), launches: 1, rows: 3)),
        new RuntimeCase("empty/sum-of-nothing", bench => Run(bench, OverNothing("sum"), launches: 0, rows: 3, expected: 0)),
        new RuntimeCase("empty/max-of-nothing", bench => Run(bench, OverNothing("max"), launches: 0, rows: 3, float.NegativeInfinity)),
        new RuntimeCase("empty/product-over-nothing", bench => Run(bench, ProductOverNothing(), launches: 0, rows: 3, expected: 0)),
    ];

    private static Graph NoRows()
    {
        GraphBuilder builder = new("no_rows");
        Value x = builder.Input("x", new(ElementType.F32, Dim.R, 8));
        builder.Output("y", builder.Unary("neg", x));
        return builder.Build();
    }

    private static Graph OverNothing(string kind)
    {
        GraphBuilder builder = new("over_nothing");
        Value x = builder.Input("x", new(ElementType.F32, Dim.R, Dim.N));
        builder.Output("y", builder.Reduce(kind, x, 1));
        return builder.Build();
    }

    private static Graph ProductOverNothing()
    {
        GraphBuilder builder = new("product_over_nothing");
        Value a = builder.Input("x", new(ElementType.F32, Dim.R, Dim.N));
        Value b = builder.Input("b", new(ElementType.F32, 4, Dim.N));
        builder.Output("y", builder.MatMul(a, b));
        return builder.Build();
    }

    private static string? Run(RuntimeBench bench, Graph graph, int launches, int rows, float? expected = null)
    {
        CountingBackend counting = new(bench.OpenDevice.Handle);
        using Device device = Device.Open(counting, 0, Attributes.Empty);
        using Session session = Session.Create(graph, _ => throw new InvalidOperationException("no constants"), device, bench.Host, new()
        {
            Precision = bench.Capabilities.Precisions[0],
            Maxima = new Bindings(8, 8, 8, 8),
            AllowHostFallback = true,
        });
        if (session.Lowered.HostOperations.Any())
        {
            return $"the device does not run {session.Lowered.HostOperations.First().Definition.Name} of f32";
        }

        session.Input<float>("x").Fill(2);
        session.Run(new Bindings(1, graph.Name == "no_rows" ? 1 : 0, 1, rows));
        ReadOnlySpan<float> y = session.Output("y");
        Require(counting.Launches == launches, $"{counting.Launches} launches rather than {launches}");
        Require(counting.Empty is null, $"the runtime asked for {counting.Empty}");
        float value = expected ?? -2;
        Require(!y.ContainsAnyExcept(value), $"a result is not {value}");
        return null;
    }
}
