// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IHandoffs} from "./IHandoffs.sol";
import {IDisputes} from "./disputes/IDisputes.sol";
import {MerkleSha256 as Merkle} from "./disputes/MerkleSha256.sol";

/// @title A hop as a run of its own
/// @notice A run of one step whose data are the inputs of a hop. Its program are the hop's tables and slots
/// in the program of the whole step, with the numbers of the slots they read changed. Its result is composed
/// from the hop's outputs. Nobody chooses anything in it but the inputs and which slots are handed on.
/// protocol/hop-program.ts makes the same program.
library HopProgram {
    /// @notice The root over tensors of a handoff; zero for none.
    function rootOver(IHandoffs.SlotRoot[] calldata tensors) internal pure returns (bytes32) {
        if (tensors.length == 0) return 0;
        bytes32[] memory leaves = new bytes32[](tensors.length);
        for (uint256 i; i < tensors.length; ++i) {
            leaves[i] = Merkle.leaf(abi.encodePacked(tensors[i].slot, tensors[i].root));
        }
        return Merkle.rootOf(leaves);
    }

    /// @notice The result of a hop, as Disputes composes it: the last leaf is the root itself.
    function result(IHandoffs.SlotRoot[] calldata outputs) internal pure returns (bytes32) {
        require(outputs.length != 0, IHandoffs.BadHop());
        bytes32[] memory leaves = new bytes32[](outputs.length);
        for (uint256 i; i < outputs.length; ++i) {
            leaves[i] = i == outputs.length - 1 ? outputs[i].root : Merkle.leaf(outputs[i].root);
        }
        return Merkle.rootOf(leaves);
    }

    /// @notice The terms of the run. Reverts with `BadHop` unless the slots are those of the program under
    /// `run` and read only inputs and one another.
    function terms(IDisputes.Terms calldata run, IHandoffs.Hop calldata hop)
        internal
        pure
        returns (IDisputes.Terms memory made)
    {
        uint256 given = hop.inputs.length;
        uint256 known = given + hop.tables.length;
        uint256 count = hop.slots.length;
        require(given != 0 && count != 0 && hop.proofs.length == count, IHandoffs.BadHop());
        bytes32[] memory data = new bytes32[](given);
        bytes32[] memory program = new bytes32[](known + count + 1);
        IDisputes.Slot memory slot;
        slot.kind = IDisputes.Kind.Data;
        for (uint256 i; i < given; ++i) {
            data[i] = Merkle.leaf(hop.inputs[i].root);
            // There are fewer inputs than slots.
            // forge-lint: disable-next-line(unsafe-typecast)
            slot.place = uint32(i);
            program[i] = Merkle.leaf(abi.encode(slot));
        }
        for (uint256 i = given; i < known; ++i) {
            program[i] = _table(run, hop.tables[i - given]);
        }
        for (uint256 i; i < count; ++i) {
            program[known + i] = _computed(run, hop, i);
        }
        program[known + count] = _composed(hop);
        made.program = Merkle.rootOf(program);
        made.data = Merkle.rootOf(data);
        made.steps = 1;
        // forge-lint: disable-next-line(unsafe-typecast)
        (made.slots, made.dataSlots) = (uint32(program.length), uint32(given));
    }

    /// @dev The leaf of a table, which is the same in the whole program.
    function _table(IDisputes.Terms calldata run, IHandoffs.Table calldata table)
        private
        pure
        returns (bytes32 leaf)
    {
        IDisputes.Slot memory slot;
        slot.kind = IDisputes.Kind.Fixed;
        slot.name = abi.encodePacked(table.root);
        leaf = Merkle.leaf(abi.encode(slot));
        require(Merkle.verify(leaf, table.slot, run.slots, table.proof, run.program), IHandoffs.BadHop());
    }

    /// @dev The leaf of one of the hop's slots.
    function _computed(IDisputes.Terms calldata run, IHandoffs.Hop calldata hop, uint256 i)
        private
        pure
        returns (bytes32)
    {
        IDisputes.Slot memory slot = hop.slots[i];
        uint256 place = uint256(hop.first) + i;
        require(
            slot.kind == IDisputes.Kind.Output
                && Merkle.verify(Merkle.leaf(abi.encode(slot)), place, run.slots, hop.proofs[i], run.program),
            IHandoffs.BadHop()
        );
        for (uint256 j; j < slot.inputs.length; ++j) {
            slot.inputs[j] = _placeOf(hop, slot.inputs[j], i);
        }
        return Merkle.leaf(abi.encode(slot));
    }

    /// @dev Where the hop's program has a slot of the whole program: among its inputs, its tables, or its
    /// slots before `i`. What the device signed as an input counts first.
    function _placeOf(IHandoffs.Hop calldata hop, uint32 slot, uint256 i) private pure returns (uint32) {
        for (uint256 j; j < hop.inputs.length; ++j) {
            // forge-lint: disable-next-line(unsafe-typecast)
            if (hop.inputs[j].slot == slot) return uint32(j);
        }
        for (uint256 j; j < hop.tables.length; ++j) {
            // forge-lint: disable-next-line(unsafe-typecast)
            if (hop.tables[j].slot == slot) return uint32(hop.inputs.length + j);
        }
        require(slot >= hop.first && slot - hop.first < i, IHandoffs.BadHop());
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint32(hop.inputs.length + hop.tables.length + slot - hop.first);
    }

    /// @dev The leaf of the last slot, which composes the result from the outputs.
    function _composed(IHandoffs.Hop calldata hop) private pure returns (bytes32) {
        uint256 outputs = hop.outputs.length;
        require(outputs != 0, IHandoffs.BadHop());
        IDisputes.Slot memory slot;
        slot.kind = IDisputes.Kind.Compose;
        slot.inputs = new uint32[](outputs);
        slot.names = new bytes[](outputs - 1);
        for (uint256 i; i < outputs; ++i) {
            uint32 place = hop.outputs[i].slot;
            require(place >= hop.first && place - hop.first < hop.slots.length, IHandoffs.BadHop());
            // forge-lint: disable-next-line(unsafe-typecast)
            slot.inputs[i] = uint32(hop.inputs.length + hop.tables.length + place - hop.first);
        }
        return Merkle.leaf(abi.encode(slot));
    }
}
