// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {Game} from "./Game.sol";
import {Trees} from "./Trees.sol";
import {World} from "./World.sol";

/// @notice Who pays whom, how much, and what many games at once do to one claimant.
contract BondsTest is Game {
    bool public constant IS_TEST = true;

    uint256 private constant MOVE_BOND = 0.001 ether;

    function lie() private pure returns (World.State memory) {
        return World.run(World.Lie(1, World.SUM, 1027, 0x00400000));
    }

    function puppet(uint256 i) private returns (address who) {
        who = address(uint160(0xB0B0000 + i));
        gvm.deal(who, 1 ether);
    }

    /// @dev Reveals and picks of the first tree, which has three steps: one each.
    function playMoves(uint256 game, World.State memory said, uint256 count) private {
        for (uint256 i; i < count; ++i) {
            yes(step(game, said, honest(), 0), "a move");
        }
    }

    // ------------------------------------------------------------ what a bond is

    function test_aBondIsForEachMoveAndForTheJudgement() external {
        // Trees of 3 and 9 leaves take one reveal each, of 4,096 three.
        eq(disputes.maxMoves(terms), 2 * (1 + 1 + 3) + 7, "moves");
        eq(disputes.challengeBond(terms), (17 + 20) * MOVE_BOND, "challenge");
        eq(disputes.claimBond(terms), 4 * 37 * MOVE_BOND, "claim");
        terms.steps = 17;
        terms.slots = 257;
        // Two more: 17 leaves are five levels, 257 are nine.
        eq(disputes.maxMoves(terms), 2 * (2 + 3 + 3) + 7, "longer games");
        eq(disputes.challengeBond(terms), (23 + 20) * MOVE_BOND, "cost more");
        eq(disputes.MAX_LEAVES(), 4096, "leaves");
    }

    function test_aClockOfTwiceTheBudgetHas32Bits() external {
        bytes memory code = gvm.getCode("Disputes.sol:Disputes");
        bytes memory arguments = abi.encode(address(1), WINDOW, uint32(1) << 31, EXTENSION, uint96(1));
        bytes memory creation = bytes.concat(code, arguments);
        address made;
        assembly ("memory-safe") {
            made := create(0, add(creation, 32), mload(creation))
        }
        eq(made, address(0), "not made");
    }

    function test_theContractsFitAChain() external view {
        yes(address(disputes).code.length <= 24_576, "Disputes, EIP-170");
        yes(disputeJudge().code.length <= 24_576, "Judge, EIP-170");
    }

    // ------------------------------------------------------------ a lost claim is shared

    /// @dev A liar whose friend wins first: the honest challenger has its bond, and the share of its moves in the reward.
    function test_anOvertakenChallengerIsPaidForItsMoves() external {
        World.State memory said = lie();
        uint256 id = claimed(said.root);
        uint256 friend = challenged(id, FRIEND);
        uint256 real = challenged(id, CHALLENGER);
        playMoves(real, said, 2);
        playOut(friend, said, honest(), 0);
        uint256 bond = disputes.challengeBond(terms);
        uint256 reward = disputes.claimBond(terms) / 2;
        uint256 moves = disputes.gameOf(friend).moves;
        eq(disputes.gameOf(real).moves, 2, "a challenge and a pick");
        eq(moves, 1 + 4, "a challenge, a pick in each of three trees, and the element");
        eq(disputes.credit(FRIEND), bond + reward * moves / (moves + 2), "its share");
        disputes.release(real);
        eq(disputes.credit(CHALLENGER), bond + reward - reward * moves / (moves + 2), "the rest");
        // What the honest player paid: at most MOVE_BOND for each of its two moves.
        yes(disputes.credit(CHALLENGER) - bond > 2 * MOVE_BOND, "its cost is covered");
        eq(
            address(disputes).balance,
            disputes.burned() + disputes.credit(FRIEND) + disputes.credit(CHALLENGER),
            "all"
        );
    }

    /// @dev Any number of friends, as far as each likes: together with the liar they lose what is burned, and where they do not
    /// make more than twice the moves of a whole game's two sides, no honest move is unpaid.
    /// forge-config: default.fuzz.runs = 6
    function testFuzz_selfPlayNeverPays(uint256 seed) external {
        World.State memory said = lie();
        uint256 id = claimed(said.root);
        uint256 friends = 1 + seed % 5;
        uint256 mine = (seed >> 8) % 4;
        uint256 bond = disputes.challengeBond(terms);
        uint256 total;
        uint256[] memory games = new uint256[](friends);
        for (uint256 i; i < friends; ++i) {
            games[i] = challenged(id, puppet(i));
            if (i > 0) playMoves(games[i], said, (seed >> (16 + 8 * i)) % 9);
        }
        uint256 real = challenged(id, CHALLENGER);
        playMoves(real, said, 2 * mine);
        playOut(games[0], said, honest(), 0);
        disputes.release(real);
        for (uint256 i = 1; i < friends; ++i) {
            disputes.release(games[i]);
        }
        for (uint256 i; i < friends; ++i) {
            total += disputes.credit(puppet(i));
        }
        uint256 paid = disputes.claimBond(terms) + friends * bond;
        yes(
            total + disputes.credit(CLAIMANT) + disputes.burned() <= paid,
            "they lose what is burned, at least"
        );
        eq(disputes.burned(), disputes.claimBond(terms) / 2, "half");
        yes(disputes.credit(CHALLENGER) - bond >= (1 + mine) * MOVE_BOND, "every honest move is paid");
        eq(
            address(disputes).balance,
            disputes.burned() + total + disputes.credit(CHALLENGER),
            "nothing is left over"
        );
    }

    /// @dev What it takes to leave an honest move unpaid: more moves of friends than the reward has MOVE_BONDs.
    function test_onlyMoreMovesThanTheRewardPaysDilute() external {
        uint256 reward = disputes.claimBond(terms) / 2;
        uint256 most = reward / MOVE_BOND;
        // 74 moves: 14 games played to the end, claimant's replies besides, at the five moves that one takes here.
        eq(most, 2 * (disputes.maxMoves(terms) + 20), "moves");
        World.State memory said = lie();
        uint256 id = claimed(said.root);
        uint256 real = challenged(id, CHALLENGER);
        uint256 first = challenged(id, FRIEND);
        // Challenges only: the cheapest moves that friends have. Each locks a bond of 37 MOVE_BONDs.
        for (uint256 i; i < most - 2; ++i) {
            challenged(id, puppet(i));
        }
        vm.warp(block.timestamp + 3 * BUDGET);
        disputes.timeout(first);
        disputes.release(real);
        eq(disputes.credit(CHALLENGER) - disputes.challengeBond(terms), MOVE_BOND, "still paid");
    }

    // ------------------------------------------------------------ many games at once

    /// @dev A claimant who needs an extension for each of its games plays them one after another, oldest first, and loses none.
    function test_oneClaimantHasTimeForManyGames() external {
        World.State memory truth = honest();
        uint256 id = claimed(truth.root);
        uint256 count = BUDGET / EXTENSION;
        uint256[] memory games = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            games[i] = challenged(id, puppet(i));
            eq(disputes.gameOf(games[i]).clock.claimantLeft, BUDGET + i * EXTENSION, "time for those before");
        }
        uint256 begun = block.timestamp;
        // The work comes first: nothing is ready for BUDGET, then one game an extension, and the claimant's next move waits for
        // its turn again.
        vm.warp(begun + BUDGET - 1);
        for (uint256 i; i < count; ++i) {
            IDisputes.Game memory g = disputes.gameOf(games[i]);
            yes(claimantMoves(games[i], g, truth), "in time");
            vm.warp(block.timestamp + EXTENSION);
        }
        vm.warp(block.timestamp + BUDGET);
        for (uint256 i; i < count; ++i) {
            disputes.timeout(games[i]);
        }
        no(disputes.claimOf(id).lost, "none was lost");
        eq(disputes.credit(CLAIMANT), count * disputes.challengeBond(terms), "and each has paid");
    }

    function test_timeForOtherGamesHasAnEnd() external {
        uint256 id = claimed(honest().root);
        uint256 game;
        for (uint256 i; i < 14; ++i) {
            game = challenged(id, puppet(i));
        }
        eq(disputes.gameOf(game).clock.claimantLeft, 2 * BUDGET, "a second budget at most");
        eq(disputes.gameOf(game).clock.challengerLeft, BUDGET, "the challenger's is its own");
    }

    /// @dev Five games won pay for a claim that is then lost for want of time: the attackers have lost more than they can win.
    function test_whoeverExhaustsAClaimantLoses() external {
        World.State memory truth = honest();
        uint256 id = claimed(truth.root);
        uint256[] memory games = new uint256[](6);
        for (uint256 i; i < 6; ++i) {
            games[i] = challenged(id, puppet(i));
        }
        for (uint256 i; i < 5; ++i) {
            playOut(games[i], truth, truth, 5);
        }
        vm.warp(block.timestamp + 4 * BUDGET);
        disputes.timeout(games[5]);
        yes(disputes.claimOf(id).lost, "out of time");
        uint256 bond = disputes.challengeBond(terms);
        eq(disputes.credit(CLAIMANT), 5 * bond, "more than its bond");
        yes(disputes.credit(CLAIMANT) > disputes.claimBond(terms), "of four");
        uint256 back;
        for (uint256 i; i < 6; ++i) {
            back += disputes.credit(puppet(i));
        }
        eq(back, bond + disputes.claimBond(terms) / 2, "of six bonds three came back");
    }

    // ------------------------------------------------------------ what cannot be judged cannot be defended

    /// @dev An output of more than MAX_LEAVES leaves has no descent: its claimant has no move and loses on time.
    function test_anOutputTooLargeLosesItsClaim() external {
        World.State memory truth = honest();
        IDisputes.Slot[] memory slots = World.slots();
        slots[World.SUM].node.length = 4096 * 1024 + 1;
        bytes32[] memory leaves = new bytes32[](World.SLOTS);
        for (uint256 i; i < World.SLOTS; ++i) {
            leaves[i] = sha256(bytes.concat(hex"00", abi.encode(slots[i])));
        }
        terms.program = Trees.root(leaves);
        uint256 id = claimed(truth.root);
        uint256 game = challenged(id, CHALLENGER);
        World.State memory other = lie();
        while (disputes.gameOf(game).phase != IDisputes.Phase.Slot) {
            yes(step(game, truth, other, 0), "a move");
        }
        bytes memory move = abi.encodeCall(
            IDisputes.openSlot,
            (
                game,
                terms,
                slots[World.SUM],
                Trees.proof(leaves, World.SUM),
                truth.steps[1].roots[World.SUM],
                new IDisputes.Input[](0)
            )
        );
        gvm.prank(CLAIMANT);
        (bool sent, bytes memory why) = address(disputes).call(move);
        no(sent, "no move");
        yes(bytes4(why) == IDisputes.BadTerms.selector, "for the terms are bad");
        vm.warp(block.timestamp + 2 * BUDGET);
        disputes.timeout(game);
        yes(disputes.claimOf(id).lost, "lost on time");
    }
}
