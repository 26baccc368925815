using System.Collections.Immutable;
using System.Security.Cryptography;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Tests;

/// <summary>A call over the backend line failed; the message is the status's.</summary>
public sealed class StatusException(string call, Status status) : Exception($"{call}: {status.Code}: {status.Message}")
{
    public Status Status { get; } = status;
}

/// <summary>
/// Runs one op on a device through the contract alone. Guard bytes stand around every tensor and the workspace, results, workspace
/// and row padding hold NaN before the launch, and operands must be unchanged after it.
/// </summary>
public static class OpRunner
{
    /// <summary>Offers, prepares and launches the op once and returns its results, dense.</summary>
    /// <param name="device">The device.</param>
    /// <param name="op">The op.</param>
    /// <param name="operands">Operands in order; a constant is passed to prepare.</param>
    /// <param name="attributes">Attributes; none if null.</param>
    /// <param name="bindings">Values of the symbols.</param>
    /// <param name="precision">Precision asked for.</param>
    /// <param name="maxima">Maxima of the symbols; the bindings themselves if null.</param>
    /// <param name="inPlace">Lays results over the operands for which the kernel declares that it may.</param>
    /// <exception cref="StatusException">A status was not ok, or the device says that it does not support the op.</exception>
    /// <exception cref="InvalidOperationException">The kernel broke a rule: wrote outside its results, changed an operand, ...</exception>
    public static TestTensor[] Run(
        IDevice device, OpDefinition op, IReadOnlyList<TestTensor> operands, Attributes? attributes = null, Bindings bindings = default,
        Precision precision = Precision.Exact, Bindings? maxima = null, bool inPlace = false)
    {
        OpDescriptor descriptor = Describe(op, operands, attributes ?? Attributes.Empty, maxima ?? bindings, precision);
        using OpRun run = new(device, op, descriptor, operands, bindings, inPlace);
        return run.Execute();
    }

    /// <summary>The op as it is offered to a device.</summary>
    public static OpDescriptor Describe(
        OpDefinition op, IReadOnlyList<TestTensor> operands, Attributes attributes, Bindings maxima, Precision precision = Precision.Exact)
    {
        ImmutableArray<TensorType> results = op.Infer([.. operands.Select(o => o.Type)], attributes);
        HashSet<int> states = [.. op.StateUpdates.Select(u => u.Result)];
        return new OpDescriptor(
            op.Name, attributes, [.. operands.Select(o => new TensorDescriptor(o.Element, o.Dims, o.Role, o.Strides is not null))],
            [.. results.Select((r, i) => new TensorDescriptor(
                r.Element, r.Shape.Dims, states.Contains(i) ? TensorRole.State : TensorRole.Result, false))],
            maxima, precision);
    }

    internal static void Check(string call, Status status)
    {
        if (!status.IsOk)
        {
            throw new StatusException(call, status);
        }
    }
}

/// <summary>One run of one op: what it allocates is released at the end.</summary>
internal sealed class OpRun(
    IDevice device, OpDefinition op, OpDescriptor descriptor, IReadOnlyList<TestTensor> operands, Bindings bindings, bool inPlace)
    : IDisposable
{
    private readonly Stack<IDisposable> _owned = new();

    public TestTensor[] Execute()
    {
        OpRunner.Check("supports", device.Supports(descriptor, out Support support));
        if (!support.IsSupported)
        {
            throw new StatusException("supports", Status.Unsupported(support.Reason ?? "no reason given"));
        }

        for (int i = 0; i < operands.Count; i++)
        {
            Require(operands[i].Strides is null || (support.StridedOperands >> i & 1) != 0, $"operand {i} may not be strided");
        }

        HostConstant?[] constants =
            [.. operands.Select((o, i) => o.Role == TensorRole.Constant ? Own(new HostConstant(IdentityOf(o), o)) : null)];
        OpRunner.Check("prepare", device.Prepare(descriptor, [.. constants.Select(c => c?.Data)], out IKernel? kernel));
        Own(kernel!);
        if (!kernel!.Info.KeepsHostConstants)
        {
            // A kernel that says it has done with the host's memory must not miss it.
            Array.ForEach(constants, c => c?.Overwrite());
        }

        OpRunner.Check("create stream", device.CreateStream(out IStream? stream));
        Own(stream!);
        TestTensor[] results = Launch(kernel, stream!);
        Require(!kernel.Info.KeepsHostConstants || constants.All(c => c?.IsUnchanged ?? true), "a constant was changed");
        return results;
    }

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }
    }

    private TestTensor[] Launch(IKernel kernel, IStream stream)
    {
        Placement?[] inputs = [.. operands.Select((o, i) => Place(kernel, o, i))];
        Placement[] outputs = [.. descriptor.Results.Select((_, i) => ResultPlace(kernel, inputs, i))];
        Placement? workspace = Workspace(kernel);
        Placement[] all = [.. inputs.OfType<Placement>().Union(outputs), .. workspace is null ? (Placement[])[] : [workspace]];
        Array.ForEach(all, p => p.Upload(stream));

        Argument[] arguments = [.. inputs.Select((p, i) => p?.Argument((kernel.Info.HostOperands >> i & 1) != 0) ?? Absent(i)),
            .. outputs.Select(p => p.Argument(false))];
        OpRunner.Check("launch", stream.Launch(kernel, bindings, arguments, workspace?.Buffer, workspace?.ArgumentOffset ?? 0));
        OpRunner.Check("synchronize", stream.Synchronize());

        Array.ForEach(all, p => p.Download(stream));
        for (int i = 0; i < inputs.Length; i++)
        {
            Require(inputs[i] is null || outputs.Contains(inputs[i]) || inputs[i]!.IsUnchanged, $"operand {i} was changed");
        }

        Require(all.All(p => p.GuardsStand), "something was written outside a tensor");
        return [.. outputs.Select((p, i) => p.Dense(descriptor.Results[i], bindings))];
    }

    /// <summary>Equal identities are equal bytes.</summary>
    private static string IdentityOf(TestTensor constant) =>
        $"{constant.Type} {Convert.ToHexString(SHA256.HashData(constant.Data))}";

    private Argument Absent(int operand) => new() { Strides = new long[operands[operand].Dims.Length] };

    private Placement? Place(IKernel kernel, TestTensor operand, int index)
    {
        bool read = (kernel.Info.ReadsOperands >> index & 1) != 0;
        if (operand.Role == TensorRole.Constant || (!read && !op.StateUpdates.Any(u => u.Operand == index)))
        {
            return null;
        }

        long[] dims = Resolve(operand.Dims);
        int size = operand.Element.BlockBytes();
        if (operand.Strides is { } strides)
        {
            Placement strided = new(device, operand.Data.Length, operand.Offset * size, [.. strides], 0xFF);
            operand.Data.CopyTo(strided.Storage);
            return Own(strided);
        }

        // Unwritten memory of a state is finite, never NaN: its row padding holds 0.
        byte filler = operand.Role == TensorRole.State ? (byte)0 : (byte)0xFF;
        Placement dense = Own(Placement.RowMajor(device, operand.Element, dims, filler));
        dense.Fill(operand.Element, dims, operand.Data);
        return dense;
    }

    private Placement ResultPlace(IKernel kernel, Placement?[] inputs, int result)
    {
        bool IsDense(int operand) => inputs[operand] is not null && operands[operand].Strides is null;
        (int Operand, int Result)[] shared = [.. op.StateUpdates.Where(u => u.Result == result),
            .. kernel.Info.InPlace.Where(p => inPlace && p.Result == result && IsDense(p.Operand))];
        TensorDescriptor type = descriptor.Results[result];
        return shared.Length > 0 ? inputs[shared[0].Operand]! : Own(Placement.RowMajor(device, type.Element, Resolve(type.Dims), 0xFF));
    }

    private Placement? Workspace(IKernel kernel)
    {
        OpRunner.Check("workspace", kernel.Workspace(bindings, out long bytes));
        OpRunner.Check("workspace", kernel.Workspace(descriptor.Maxima, out long most));
        Require(bytes >= 0 && most >= bytes, $"workspace of {bytes} bytes for {bindings}, {most} for the maxima");
        return bytes == 0 ? null : Own(new Placement(device, bytes, 0, [], 0xFF));
    }

    private long[] Resolve(ImmutableArray<Dim> dims) => [.. dims.Select(d => d.Resolve(bindings))];

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }

    private void Require(bool condition, string found)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"{descriptor}: {found}");
        }
    }
}
