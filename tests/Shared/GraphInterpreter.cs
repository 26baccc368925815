using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Tests;

/// <summary>Runs a graph op by op on one device, each op alone through <see cref="OpRunner"/>; views are taken on host arrays.</summary>
public static class GraphInterpreter
{
    /// <summary>The graph's outputs, in order.</summary>
    /// <param name="device">The device.</param>
    /// <param name="graph">The graph; opened blocks only if the device has no kernel for blocks.</param>
    /// <param name="tensors">Inputs, constants and states by name.</param>
    /// <param name="bindings">Values of the symbols.</param>
    /// <param name="precision">Precision of every op.</param>
    public static TestTensor[] Run(
        IDevice device, Graph graph, IReadOnlyDictionary<string, TestTensor> tensors, Bindings bindings,
        Precision precision = Precision.Exact)
    {
        Dictionary<Value, TestTensor> values = [];
        foreach (Value value in graph.Inputs.Concat(graph.Constants).Concat(graph.States))
        {
            values[value] = tensors[value.Name];
        }

        foreach (Operation operation in graph.Operations)
        {
            TestTensor[] operands = [.. operation.Operands.Select(o => values[o])];
            TestTensor[] results = operation.Definition.Class == OpClass.View
                ? [View(operation, operands[0], bindings)]
                : OpRunner.Run(device, operation.Definition, operands, operation.Attributes, bindings, precision);
            for (int i = 0; i < results.Length; i++)
            {
                values[operation.Results[i]] = results[i] with { Dims = operation.Results[i].Type.Shape.Dims };
            }
        }

        return [.. graph.Outputs.Select(o => values[o.Value])];
    }

    /// <summary>The results of an op's decomposition.</summary>
    public static TestTensor[] RunDecomposition(
        IDevice device, OpDefinition op, IReadOnlyList<TestTensor> operands, Attributes attributes, Bindings bindings,
        Precision precision = Precision.Exact)
    {
        GraphBuilder builder = new("decomposition");
        Dictionary<string, TestTensor> tensors = [];
        var values = ImmutableArray.CreateBuilder<Value>();
        for (int i = 0; i < operands.Count; i++)
        {
            TestTensor operand = operands[i].Dense(bindings);
            string name = $"x{i}";
            tensors[name] = operand;
            values.Add(operand.Role switch
            {
                TensorRole.Constant => builder.Constant(name, operand.Type),
                TensorRole.State => builder.State(name, operand.Type),
                _ => builder.Input(name, operand.Type),
            });
        }

        ImmutableArray<Value> results = op.Decompose(builder, values.ToImmutable(), attributes);
        for (int i = 0; i < results.Length; i++)
        {
            builder.Output($"y{i}", results[i]);
        }

        return Run(device, builder.Build(), tensors, bindings, precision);
    }

    private static TestTensor View(Operation operation, TestTensor x, Bindings bindings)
    {
        Attributes attributes = operation.Attributes;
        ImmutableArray<Dim> dims = operation.Results[0].Type.Shape.Dims;
        x = x.Dense(bindings);
        long[] sizes = [.. x.Dims.Select(d => d.Resolve(bindings))];
        long[] strides = TestTensor.DenseStrides(sizes);
        switch (operation.Definition)
        {
            case Reshape:
                return x with { Dims = dims };
            case Permute:
                return Viewed(x, dims, [.. Permute.Order(attributes).Select(axis => strides[axis])], 0, bindings);
            case Slice:
                return Viewed(x, dims, strides, attributes.Int64("start") * strides[attributes.Int64("axis")], bindings);
            case Broadcast:
                long[] repeated = new long[dims.Length];
                for (int i = 1; i <= sizes.Length; i++)
                {
                    repeated[^i] = sizes[^i] == 1 ? 0 : strides[^i];
                }

                return Viewed(x, dims, repeated, 0, bindings);
            default:
                throw new InvalidOperationException($"{operation.Definition.Name} is no view");
        }
    }

    private static TestTensor Viewed(TestTensor x, ImmutableArray<Dim> dims, long[] strides, long offset, Bindings bindings) =>
        (x with { Role = TensorRole.Result }).View([.. dims], strides, offset).Dense(bindings);
}
