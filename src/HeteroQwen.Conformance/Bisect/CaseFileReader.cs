using System.Collections.Immutable;
using System.Text.Json;
using HeteroQwen.Backends;
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

        return op;
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
        OpTensor tensor = new(value.Type.Element, value.Type.Shape.Dims, role, json.GetProperty("bytes").GetBytesFromBase64());
        if (json.TryGetProperty("strides", out JsonElement strides))
        {
            tensor = tensor with { Strides = [.. strides.EnumerateArray().Select(s => s.GetInt64())], Offset = json.GetProperty("offset").GetInt64() };
            RequireInside(tensor, value.Name, bindings);
        }
        else if (tensor.Bytes.Length != value.Type.Bytes(bindings))
        {
            throw Bad($"gives {tensor.Bytes.Length} bytes for {value}");
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

    private void RequireInside(OpTensor tensor, string name, Bindings bindings)
    {
        long[] dims = tensor.Resolve(bindings);
        bool plain = !tensor.Element.IsQuantized() && tensor.Role is TensorRole.Input or TensorRole.Result;
        long last = tensor.Offset;
        bool fits = plain && tensor.Strides!.Value.Length == dims.Length && tensor.Offset >= 0 && tensor.Strides.Value.All(s => s >= 0);
        for (int axis = 0; fits && axis < dims.Length; axis++)
        {
            last = checked(last + ((dims[axis] - 1) * tensor.Strides!.Value[axis]));
        }

        if (!fits || last >= tensor.Bytes.Length / tensor.Element.BlockBytes())
        {
            throw Bad($"has strides of {name} that lead out of its bytes");
        }
    }

    private static Bindings ReadBindings(JsonElement json) => new(
        json.GetProperty("T").GetInt64(), json.GetProperty("N").GetInt64(), json.GetProperty("B").GetInt64(), json.GetProperty("R").GetInt64());

    private UserErrorException Bad(string what) => new($"{path}: {what}; have bisect save the case anew");
}
