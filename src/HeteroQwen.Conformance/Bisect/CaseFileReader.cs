using System.Collections.Immutable;
using System.Text.Json;
using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>Reads what <see cref="CaseFile"/> writes. Nothing in the file is trusted.</summary>
internal sealed class CaseFileReader(string path)
{
    private const long MostElements = 1L << 28;

    /// <exception cref="UserErrorException">The file is missing or malformed.</exception>
    public SingleOp Read()
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > CaseFile.MostBytes } large)
            {
                throw Bad($"has {large.Length} bytes, more than the {CaseFile.MostBytes} that a case may have");
            }

            using JsonDocument json = JsonDocument.Parse(File.ReadAllBytes(path));
            return Read(json.RootElement);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path}: cannot be read ({e.Message.TrimEnd('.')}); name a case file that bisect saved", e);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException
            or OverflowException or ConstraintException or ArgumentException)
        {
            throw Bad($"is malformed ({e.Message.TrimEnd('.')})");
        }
    }

    private SingleOp Read(JsonElement root)
    {
        if (root.GetProperty("format").GetString() != CaseFile.Format || root.GetProperty("version").GetInt32() != CaseFile.Version)
        {
            throw Bad($"is no {CaseFile.Format} of version {CaseFile.Version}");
        }

        Graph graph = GraphParser.Parse(root.GetProperty("ir").GetString() ?? "", path);
        if (graph.Operations.Length != 1 || graph.Operations[0].Definition.Class == OpClass.View)
        {
            throw Bad("has a graph of another number of ops than one");
        }

        Operation operation = graph.Operations[0];
        (Bindings bindings, Bindings maxima) = (ReadBindings(root.GetProperty("bindings")), ReadBindings(root.GetProperty("maxima")));
        if (!bindings.Within(maxima) || Math.Min(Math.Min(bindings.T, bindings.N), Math.Min(bindings.B, bindings.R)) < 0)
        {
            throw Bad($"has bindings {bindings} beyond {maxima}");
        }

        Dictionary<string, OpTensor> tensors = new(StringComparer.Ordinal);
        foreach (JsonElement operand in root.GetProperty("operands").EnumerateArray())
        {
            string name = operand.GetProperty("name").GetString() ?? "";
            Value value = operation.Operands.FirstOrDefault(o => o.Name == name) ?? throw Bad($"has an operand {name} that its op does not take");
            tensors[name] = Tensor(operand, value, bindings);
        }

        ImmutableArray<OpTensor> operands = [.. operation.Operands.Select(o => tensors.TryGetValue(o.Name, out OpTensor? tensor)
            ? tensor : throw Bad($"has no operand {o.Name}"))];
        Precision precision = root.GetProperty("precision").GetString() == "fast" ? Precision.Fast : Precision.Exact;
        SingleOp op = new(operation.Definition, operation.Attributes, operands, bindings, maxima, precision);
        foreach (TensorType type in op.ResultTypes)
        {
            RequireSize(type, bindings);
        }

        return IndexCheck.Fault(op) is { } wrong ? throw Bad(wrong) : op;
    }

    private OpTensor Tensor(JsonElement json, Value value, Bindings bindings)
    {
        RequireSize(value.Type, bindings);
        TensorRole role = value.Kind switch
        {
            ValueKind.Constant => TensorRole.Constant,
            ValueKind.State => TensorRole.State,
            _ => json.GetProperty("role").GetString() == "result" ? TensorRole.Result : TensorRole.Input,
        };
        OpTensor tensor = new(value.Type, role, json.GetProperty("bytes").GetBytesFromBase64());
        if (tensor.Data.Length != value.Type.Bytes(bindings))
        {
            throw Bad($"gives {tensor.Data.Length} bytes for {value}");
        }

        if (json.TryGetProperty("strides", out JsonElement strides))
        {
            tensor = tensor with { Strides = [.. strides.EnumerateArray().Select(s => s.GetInt64())] };
            RequireStrides(tensor, value.Name, bindings);
        }

        return tensor;
    }

    private void RequireSize(TensorType type, Bindings bindings)
    {
        if (type.Shape.Elements(bindings) is < 1 or > MostElements)
        {
            throw Bad($"has a tensor {type} with {bindings}; from 1 to {MostElements} elements are possible");
        }
    }

    private void RequireStrides(OpTensor tensor, string name, Bindings bindings)
    {
        long[] dims = Plain.Resolve(tensor.Type.Shape, bindings);
        bool fits = !tensor.Type.Element.IsQuantized() && tensor.Role is TensorRole.Input or TensorRole.Result
            && tensor.Strides!.Value.Length == dims.Length && tensor.Strides.Value.All(s => s is >= 0 and <= MostElements);
        if (!fits || dims.Zip(tensor.Strides!.Value, (dim, stride) => checked((dim - 1) * stride)).Sum() >= MostElements)
        {
            throw Bad($"has strides of {name} that no view has");
        }
    }

    private static Bindings ReadBindings(JsonElement json) => new(
        json.GetProperty("T").GetInt64(), json.GetProperty("N").GetInt64(), json.GetProperty("B").GetInt64(), json.GetProperty("R").GetInt64());

    private UserErrorException Bad(string what) => new($"{path}: {what}; have bisect save the case anew");
}
