using HeteroQwen.Backends.Cpu.Panels;
using Iced.Intel;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>One kernel for each number of rows from 1 up, in memory of their own.</summary>
internal sealed unsafe class KernelSet : PairKernels, IDisposable
{
    private readonly ExecutableMemory _code;
    private readonly delegate* unmanaged<ProductCall*, void>[] _kernels;

    /// <param name="emit">Emits the kernel for so many rows.</param>
    /// <param name="mostRows">The largest number of rows.</param>
    /// <exception cref="InsufficientMemoryException">The system has no memory for the code.</exception>
    /// <exception cref="OverflowException">Records of such a K are too long.</exception>
    public KernelSet(Action<Assembler, int> emit, int mostRows)
    {
        byte[][] functions = [.. Enumerable.Range(1, mostRows).Select(rows => MachineCode.Assemble(a => emit(a, rows)))];
        _code = ExecutableMemory.Create(functions, out string? refusal) ?? throw new InsufficientMemoryException(refusal);
        _kernels = new delegate* unmanaged<ProductCall*, void>[mostRows];
        for (int i = 0; i < mostRows; i++)
        {
            _kernels[i] = (delegate* unmanaged<ProductCall*, void>)_code.Function(i);
        }
    }

    public override int MostRows => _kernels.Length;

    public override void Run(int rows, ProductCall* call) => _kernels[rows - 1](call);

    public void Dispose() => _code.Dispose();
}
