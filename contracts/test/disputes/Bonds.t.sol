// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {DisputesFixture} from "./DisputesFixture.sol";
import {SampleRun} from "./SampleRun.sol";
import {Trees} from "./Trees.sol";

/// @notice Bonds and rewards, and one claimant that plays many games at the same time.
contract BondsTest is DisputesFixture {
    uint256 private constant MOVE_BOND = 0.001 ether;

    function faultyExecution() private pure returns (SampleRun.Execution memory) {
        return SampleRun.execute(SampleRun.Fault(1, SampleRun.SUM, 1027, 0x00400000));
    }

    function challenger(uint256 i) private returns (address who) {
        who = address(uint160(0xB0B0000 + i));
        vm.deal(who, 1 ether);
    }

    /// @dev Makes `count` moves of a game, by both sides in turn.
    function playMoves(uint256 game, SampleRun.Execution memory claimantRun, uint256 count) private {
        for (uint256 i; i < count; ++i) {
            assertTrue(playMove(game, claimantRun, honestExecution(), 0), "a move");
        }
    }

    // ------------------------------------------------------------ what a bond is

    function test_bonds_coverEveryMoveAndJudgement() external {
        // A tree of 3 or 9 leaves takes one reveal, a tree of 4,096 leaves three.
        assertEq(disputes.maxMoves(terms), 2 * (1 + 1 + 3) + 7, "moves");
        assertEq(disputes.challengeBond(terms), (17 + 20) * MOVE_BOND, "challenge");
        assertEq(disputes.claimBond(terms), 4 * 37 * MOVE_BOND, "claim");
        terms.steps = 17;
        terms.slots = 257;
        // 17 leaves are five levels and take two reveals; 257 leaves are nine levels and take three.
        assertEq(disputes.maxMoves(terms), 2 * (2 + 3 + 3) + 7, "moves of longer games");
        assertEq(disputes.challengeBond(terms), (23 + 20) * MOVE_BOND, "challenge of longer games");
        assertEq(disputes.MAX_LEAVES(), 4096, "leaves");
    }

    function test_constructor_revertsIfBudgetIsTooLongOrStepsTakeNoTime() external {
        uint32 most = (uint32(1) << 31) - 1 - disputes.MAX_REPEAT_SECONDS();
        assertFalse(canDeploy(STEP_SECONDS, most + 1), "the budget and the longest run");
        assertFalse(canDeploy(0, most), "no time for a step");
        assertTrue(canDeploy(1, most), "the longest budget");
    }

    function canDeploy(uint32 stepSeconds, uint32 budget) private returns (bool) {
        bytes memory code = vm.getCode("Disputes.sol:Disputes");
        bytes memory arguments = abi.encode(address(1), WINDOW, stepSeconds, budget, EXTENSION, uint96(1));
        bytes memory creation = bytes.concat(code, arguments);
        address made;
        assembly ("memory-safe") {
            made := create(0, add(creation, 32), mload(creation))
        }
        return made != address(0);
    }

    function test_codeSize_isWithinEIP170() external view {
        assertLe(address(disputes).code.length, 24_576, "Disputes, EIP-170");
        assertLe(address(judgeOfDisputes()).code.length, 24_576, "Judge, EIP-170");
    }

    // ------------------------------------------------------------ a lost claim is shared

    /// @dev Another challenger, perhaps one that colludes with the claimant, wins first. The honest
    /// challenger gets its bond back and a share of the reward in proportion to its moves.
    function test_release_paysOvertakenChallengerForItsMoves() external {
        SampleRun.Execution memory claimantRun = faultyExecution();
        uint256 id = claimRoot(claimantRun.root);
        uint256 first = challengeAs(id, OTHER_CHALLENGER);
        uint256 honestGame = challengeAs(id, CHALLENGER);
        playMoves(honestGame, claimantRun, 2);
        playOut(first, claimantRun, honestExecution(), 0);
        uint256 bond = disputes.challengeBond(terms);
        uint256 reward = disputes.claimBond(terms) / 2;
        uint256 moves = disputes.gameOf(first).moves;
        assertEq(disputes.gameOf(honestGame).moves, 2, "moves: a challenge and a pick");
        assertEq(moves, 1 + 4, "moves: a challenge, a pick in each of three trees, and the element");
        assertEq(
            disputes.credit(OTHER_CHALLENGER),
            bond + reward * moves / (moves + 2),
            "bond and share of the first"
        );
        disputes.release(honestGame);
        assertEq(
            disputes.credit(CHALLENGER),
            bond + reward - reward * moves / (moves + 2),
            "bond and share of the second"
        );
        // Each of its two moves cost the honest challenger at most MOVE_BOND.
        assertGt(disputes.credit(CHALLENGER) - bond, 2 * MOVE_BOND, "the share covers the cost of its moves");
        assertEq(
            address(disputes).balance,
            disputes.burned() + disputes.credit(OTHER_CHALLENGER) + disputes.credit(CHALLENGER),
            "the balance is what is burned and credited"
        );
    }

    /// @dev A faulty claimant and any number of colluding challengers together lose at least what is burned.
    /// Every honest move is paid, unless the colluders make more moves than the reward pays (see the next
    /// test).
    /// forge-config: default.fuzz.runs = 6
    function testFuzz_bonds_selfPlayNeverPays(uint256 seed) external {
        SampleRun.Execution memory claimantRun = faultyExecution();
        uint256 id = claimRoot(claimantRun.root);
        uint256 colluders = 1 + seed % 5;
        uint256 honestPicks = (seed >> 8) % 4;
        uint256 bond = disputes.challengeBond(terms);
        uint256 total;
        uint256[] memory games = new uint256[](colluders);
        for (uint256 i; i < colluders; ++i) {
            games[i] = challengeAs(id, challenger(i));
            if (i > 0) playMoves(games[i], claimantRun, (seed >> (16 + 8 * i)) % 9);
        }
        uint256 honestGame = challengeAs(id, CHALLENGER);
        playMoves(honestGame, claimantRun, 2 * honestPicks);
        playOut(games[0], claimantRun, honestExecution(), 0);
        disputes.release(honestGame);
        for (uint256 i = 1; i < colluders; ++i) {
            disputes.release(games[i]);
        }
        for (uint256 i; i < colluders; ++i) {
            total += disputes.credit(challenger(i));
        }
        uint256 paid = disputes.claimBond(terms) + colluders * bond;
        assertLe(
            total + disputes.credit(CLAIMANT) + disputes.burned(),
            paid,
            "the colluders get at most what they paid less what is burned"
        );
        assertEq(disputes.burned(), disputes.claimBond(terms) / 2, "half the bond is burned");
        assertGe(
            disputes.credit(CHALLENGER) - bond, (1 + honestPicks) * MOVE_BOND, "every honest move is paid"
        );
        assertEq(
            address(disputes).balance,
            disputes.burned() + total + disputes.credit(CHALLENGER),
            "the balance is what is burned and credited"
        );
    }

    /// @dev An honest move is paid in full as long as all challengers together make at most reward /
    /// MOVE_BOND moves.
    function test_release_paysMoveBondAtMaximumDilution() external {
        uint256 reward = disputes.claimBond(terms) / 2;
        uint256 most = reward / MOVE_BOND;
        assertEq(
            most, 2 * (disputes.maxMoves(terms) + 20), "twice the moves of the longest game and its judgement"
        );
        SampleRun.Execution memory claimantRun = faultyExecution();
        uint256 id = claimRoot(claimantRun.root);
        uint256 honestGame = challengeAs(id, CHALLENGER);
        uint256 first = challengeAs(id, OTHER_CHALLENGER);
        // Challenges are the cheapest moves. Each locks a bond of 37 MOVE_BONDs.
        for (uint256 i; i < most - 2; ++i) {
            challengeAs(id, challenger(i));
        }
        vm.warp(block.timestamp + 3 * BUDGET);
        disputes.timeout(first);
        disputes.release(honestGame);
        assertEq(
            disputes.credit(CHALLENGER) - disputes.challengeBond(terms),
            MOVE_BOND,
            "one MOVE_BOND for one move"
        );
    }

    // ------------------------------------------------------------ many games at once

    /// @dev A claimant that needs one extension for each game plays its games one after another, oldest
    /// first, and loses none.
    function test_clock_leavesTimeForManyGames() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 id = claimRoot(honest.root);
        uint256 count = BUDGET / EXTENSION;
        uint256[] memory games = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            games[i] = challengeAs(id, challenger(i));
            assertEq(
                disputes.gameOf(games[i]).clock.claimantLeft,
                BUDGET + i * EXTENSION,
                "time for the games before this one"
            );
        }
        uint256 begun = block.timestamp;
        // The claimant first needs the whole budget to recompute the run, then one extension for each game.
        vm.warp(begun + BUDGET - 1);
        for (uint256 i; i < count; ++i) {
            IDisputes.Game memory g = disputes.gameOf(games[i]);
            assertTrue(claimantMoves(games[i], g, honest), "a move in time");
            vm.warp(block.timestamp + EXTENSION);
        }
        vm.warp(block.timestamp + BUDGET);
        for (uint256 i; i < count; ++i) {
            disputes.timeout(games[i]);
        }
        assertFalse(disputes.claimOf(id).lost, "no game is lost");
        assertEq(
            disputes.credit(CLAIMANT),
            count * disputes.challengeBond(terms),
            "every challenger loses its bond"
        );
    }

    function test_clock_capsExtraTimeAtSecondBudget() external {
        uint256 id = claimRoot(honestExecution().root);
        uint256 game;
        for (uint256 i; i < 14; ++i) {
            game = challengeAs(id, challenger(i));
        }
        assertEq(
            disputes.gameOf(game).clock.claimantLeft, 2 * BUDGET, "the claimant gets at most a second budget"
        );
        assertEq(disputes.gameOf(game).clock.challengerLeft, BUDGET, "the challenger has one budget");
    }

    /// @dev Six challengers exhaust a claimant, which wins five games and loses the sixth on time. The five
    /// bonds that it wins are worth more than the bond that it loses.
    function test_bonds_exhaustingClaimantCostsMoreThanItPays() external {
        SampleRun.Execution memory honest = honestExecution();
        uint256 id = claimRoot(honest.root);
        uint256[] memory games = new uint256[](6);
        for (uint256 i; i < 6; ++i) {
            games[i] = challengeAs(id, challenger(i));
        }
        for (uint256 i; i < 5; ++i) {
            playOut(games[i], honest, honest, 5);
        }
        vm.warp(block.timestamp + 4 * BUDGET);
        disputes.timeout(games[5]);
        assertTrue(disputes.claimOf(id).lost, "the claim is lost on time");
        uint256 bond = disputes.challengeBond(terms);
        assertEq(disputes.credit(CLAIMANT), 5 * bond, "five bonds won");
        assertGt(disputes.credit(CLAIMANT), disputes.claimBond(terms), "more than the bond it lost");
        uint256 back;
        for (uint256 i; i < 6; ++i) {
            back += disputes.credit(challenger(i));
        }
        assertEq(back, bond + disputes.claimBond(terms) / 2, "three of the six bonds come back");
    }

    // ------------------------------------------------------------ what cannot be judged cannot be defended

    /// @dev No descent leads into an output of more than MAX_LEAVES leaves: the claimant has no move and
    /// loses on time.
    function test_openSlot_revertsIfOutputIsTooLarge() external {
        SampleRun.Execution memory honest = honestExecution();
        IDisputes.Slot[] memory slots = SampleRun.slots();
        slots[SampleRun.SUM].node.length = 4096 * 1024 + 1;
        bytes32[] memory leaves = new bytes32[](SampleRun.SLOTS);
        for (uint256 i; i < SampleRun.SLOTS; ++i) {
            leaves[i] = sha256(bytes.concat(hex"00", abi.encode(slots[i])));
        }
        terms.program = Trees.root(leaves);
        uint256 id = claimRoot(honest.root);
        uint256 game = challengeAs(id, CHALLENGER);
        SampleRun.Execution memory other = faultyExecution();
        while (disputes.gameOf(game).phase != IDisputes.Phase.Slot) {
            assertTrue(playMove(game, honest, other, 0), "a move");
        }
        bytes memory move = abi.encodeCall(
            IDisputes.openSlot,
            (
                game,
                terms,
                slots[SampleRun.SUM],
                Trees.proof(leaves, SampleRun.SUM),
                honest.steps[1].roots[SampleRun.SUM],
                new IDisputes.Input[](0)
            )
        );
        vm.prank(CLAIMANT);
        (bool sent, bytes memory reason) = address(disputes).call(move);
        assertFalse(sent, "the move reverts");
        assertEq(bytes4(reason), IDisputes.BadTerms.selector, "reason");
        vm.warp(block.timestamp + 2 * BUDGET);
        disputes.timeout(game);
        assertTrue(disputes.claimOf(id).lost, "lost on time");
    }
}
