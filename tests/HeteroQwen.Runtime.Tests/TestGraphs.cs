using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;

namespace HeteroQwen.Runtime.Tests;

/// <summary>Small graphs, constants for them, and sessions of them.</summary>
internal static class TestGraphs
{
    public static readonly Bindings Maxima = new(T: 8, N: 16, B: 2, R: 4);

    public static Device Open(IBackend backend) => Device.Open(backend, 0, Attributes.Empty);

    public static Device OpenReference() => Open(new ReferenceBackend());

    public static SessionOptions Options(bool fallback = false, Precision precision = Precision.Exact, bool profile = false) =>
        new() { Precision = precision, Maxima = Maxima, AllowHostFallback = fallback, Profile = profile };

    /// <summary>y = rms_norm(x, w) of rows of <paramref name="width"/> floats.</summary>
    public static Graph Norm(int width = 4, ElementType weight = ElementType.F32)
    {
        GraphBuilder builder = new("norm");
        Value x = builder.Input("x", new(ElementType.F32, Dim.T, width));
        builder.Scope = "y";
        builder.Output("y", builder.RmsNorm(x, builder.Constant("w", new(weight, width)), 1e-6));
        return builder.Build();
    }

    /// <summary>A feed-forward block: x + down . swiglu(gate . h, up . h).</summary>
    public static Graph Ffn(int hidden = 4, int ffn = 6)
    {
        GraphBuilder builder = new("ffn");
        Value x = builder.Input("x", new(ElementType.F32, Dim.T, hidden));
        Value Weight(string name, params ReadOnlySpan<Dim> dims) => builder.Constant(name, new(ElementType.F32, dims));
        builder.Scope = "y";
        builder.Output("y", builder.FfnBlock(
            x, Weight("norm", hidden), Weight("gate", ffn, hidden), Weight("up", ffn, hidden), Weight("down", hidden, ffn), 1e-6));
        return builder.Build();
    }

    /// <summary>The rows of a tied embedding, a product with a small weight, and one with the embedding.</summary>
    public static Graph Tied()
    {
        GraphBuilder builder = new("tied");
        Value tokens = builder.Input("tokens", new(ElementType.I32, Dim.T));
        Value embedding = builder.Constant("embedding", new(ElementType.F32, 32, 8));
        Value small = builder.Constant("small", new(ElementType.F32, 8, 8));
        builder.Scope = "y";
        builder.Output("y", builder.Linear(builder.Linear(builder.GatherRows(embedding, tokens), small), embedding));
        return builder.Build();
    }

    /// <summary>Constants of a graph: element i is (i % 7 - 3) / 4, exact in every float type.</summary>
    public static Func<string, ConstantData> Constants(Graph graph)
    {
        Dictionary<string, ConstantData> data = graph.Constants.ToDictionary(c => c.Name, c => Data(c.Name, c.Type), StringComparer.Ordinal);
        return name => data[name];
    }

    public static float ConstantAt(long i) => ((i % 7) - 3) / 4f;

    public static unsafe ConstantData Data(string name, TensorType type, Func<long, float>? at = null)
    {
        long elements = type.Shape.Elements(default);
        byte[] bytes = GC.AllocateArray<byte>((int)type.Bytes(default), pinned: true);
        for (int i = 0; i < elements; i++)
        {
            float value = (at ?? ConstantAt)(i);
            if (type.Element == ElementType.F32)
            {
                MemoryMarshal.Write(bytes.AsSpan(i * 4), value);
            }
            else
            {
                MemoryMarshal.Write(bytes.AsSpan(i * 2), type.Element == ElementType.F16
                    ? BitConverter.HalfToUInt16Bits((Half)value)
                    : (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16));
            }
        }

        s_keepAlive.Add(bytes);
        fixed (byte* address = bytes)
        {
            return new(name, type.Element, [.. type.Shape.Dims.Select(d => d.Constant)], [new((nint)address, bytes.Length)]);
        }
    }

    private static readonly List<byte[]> s_keepAlive = [];

    /// <summary>Runs a graph with the input x once and returns the output y.</summary>
    public static float[] Run(Session session, float[] x, Bindings bindings)
    {
        x.CopyTo(session.Input<float>("x"));
        session.Run(bindings);
        return session.Output("y").ToArray();
    }

    public static float[] Values(int count, int seed = 1)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4) - 2)];
    }
}
